using Btrfs.Format;
using Btrfs.Inode.Changes;
using Btrfs.Stream;

namespace Btrfs.Receive.Data;

/// <summary>
/// Carries out encoded writes: each is decoded once in any case, so that nothing is stored that nobody could read, and stored as it came where that can be. Some are gathered; while
/// the next come in, another thread decodes those, and then they are stored in the order of the stream.
/// </summary>
internal sealed class EncodedWrites(SubvolumeBatch batch, PendingData pending, int sectorSize, bool forceDecompress) : IDisposable
{
    private const int PartsAtOnce = 32;

    [ThreadStatic]
    private static byte[]? s_buffer;

    private List<EncodedPart> _coming = [];
    private Queue<EncodedPart> _decoded = [];
    private Task _decoding = Task.CompletedTask;

    public bool IsEmpty => _coming.Count == 0 && _decoded.Count == 0;

    private static byte[] Buffer => s_buffer ??= new byte[FormatLimits.MaxCompressedExtent + 1];

    /// <exception cref="FileOperationException">The command contradicts itself.</exception>
    /// <exception cref="ReceiveException">An earlier one can't be carried out; this one is to be added again.</exception>
    public void Add(ulong inode, in StreamCommand command)
    {
        if (_coming.Count == PartsAtOnce)
            Turn();
        _coming.Add(new EncodedPart(inode, command));
    }

    /// <summary>Carries out all that wait.</summary>
    /// <exception cref="ReceiveException">One can't be carried out. The others are, or still wait: to be called again.</exception>
    public void Settle()
    {
        while (!IsEmpty)
        {
            StoreDecoded();
            if (_coming.Count > 0)
                Turn();
        }
    }

    public void Dispose()
    {
        _decoding.GetAwaiter().GetResult();
        foreach (EncodedPart part in _coming.Concat(_decoded))
            part.Release();
        _coming.Clear();
        _decoded.Clear();
    }

    private void Turn()
    {
        StoreDecoded();
        _decoded = new Queue<EncodedPart>(_coming);
        List<EncodedPart> parts = _coming;
        _coming = [];
        _decoding = Task.Run(() =>
        {
            foreach (EncodedPart part in parts)
                part.Decode(Buffer);
        });
    }

    private void StoreDecoded()
    {
        _decoding.GetAwaiter().GetResult();
        while (_decoded.TryPeek(out EncodedPart? part))
        {
            try
            {
                Store(part);
            }
            catch (FileOperationException error)
            {
                Drop();
                throw new ReceiveException(part.Offset, CommandType.EncodedWrite, error);
            }

            Drop();
        }
    }

    private void Store(EncodedPart part)
    {
        if (part.Fault is not null)
            throw part.Fault;
        if (!forceDecompress && part.IsStorable(sectorSize) && batch.TryWriteEncoded(part.Inode, part.ToExtent(sectorSize)))
            return;
        pending.Add(part.Inode, part.FileOffset, part.Decode(Buffer).Slice((int)part.Within, (int)part.FileBytes));
        pending.Flush();
    }

    private void Drop() => _decoded.Dequeue().Release();
}
