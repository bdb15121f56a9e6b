using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>Writes pieces in the order of their addresses: neighbours on a device go there in one transfer, and the pieces of a full stripe make one parity.</summary>
internal sealed class BatchWriter(ChunkMap chunks, StripeWriter stripes, ParityWriter parity) : IDisposable
{
    // Enough for long transfers, and far from what a call of the host takes at once.
    private const int MaxRun = 256;
    private readonly List<ReadOnlyMemory<byte>> _run = [];
    private Chunk? _runChunk;
    private LogicalAddress _runStart;
    private LogicalAddress _runEnd;
    private StripeRange _runRange;
    private FullStripeBuffer? _full;

    /// <param name="start">Not below the end of the piece before.</param>
    /// <param name="data">Must not change until <see cref="Finish"/>.</param>
    public void Add(LogicalAddress start, ReadOnlyMemory<byte> data)
    {
        while (!data.IsEmpty)
        {
            Chunk chunk = chunks.Find(start);
            int length = chunk.ParityCount > 0 ? AddToFullStripe(chunk, start, data) : AddToRun(chunk, start, data);
            data = data[length..];
            start += (ulong)length;
        }
    }

    public void Finish()
    {
        FinishRun();
        FinishFullStripe();
    }

    public void Dispose() => _full?.Dispose();

    private int AddToFullStripe(Chunk chunk, LogicalAddress start, ReadOnlyMemory<byte> data)
    {
        (ulong row, int offset) = FullStripeBuffer.Locate(chunk, start);
        if (_full is not null && (_full.Chunk != chunk || _full.Row != row))
            FinishFullStripe();

        _full ??= new FullStripeBuffer(chunk, row);
        return _full.Put(offset, data.Span);
    }

    private int AddToRun(Chunk chunk, LogicalAddress start, ReadOnlyMemory<byte> data)
    {
        StripeRange range = StripeRange.Map(chunk, start, data.Length, 1);
        bool continues = _runChunk == chunk && _runEnd == start && _run.Count < MaxRun
            && range.Stripe == _runRange.Stripe && range.Offset == _runRange.Offset + (_runEnd - _runStart);
        if (!continues)
        {
            FinishRun();
            _runChunk = chunk;
            _runStart = start;
            _runRange = range;
        }

        _run.Add(data[..range.Length]);
        _runEnd = start + (ulong)range.Length;
        return range.Length;
    }

    private void FinishRun()
    {
        if (_run.Count == 0)
            return;

        stripes.WriteCopies(_runChunk!, _runStart, CollectionsMarshal.AsSpan(_run));
        _run.Clear();
    }

    private void FinishFullStripe()
    {
        if (_full is null)
            return;

        parity.Write(_full);
        _full.Dispose();
        _full = null;
    }
}
