using System.Buffers;
using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>
/// New bytes for one full stripe of a raid5 or raid6 chunk, gathered until they can be written with their parity: the data stripes back to back, as the
/// logical addresses run, and room for P and Q behind them.
/// </summary>
internal sealed class FullStripeBuffer : IDisposable
{
    private readonly byte[] _bytes;
    private readonly List<(int Start, int End)> _written = [];

    public FullStripeBuffer(Chunk chunk, ulong row)
    {
        Chunk = chunk;
        Row = row;
        DataCount = chunk.Stripes.Length - chunk.ParityCount;
        _bytes = ArrayPool<byte>.Shared.Rent(chunk.Stripes.Length * FormatLimits.StripeLength);
    }

    public Chunk Chunk { get; }

    /// <summary>The number of the full stripe in the chunk.</summary>
    public ulong Row { get; }

    public int DataCount { get; }

    /// <summary>What has been put, in order: offsets from the begin of the first data stripe, no two ranges touching each other.</summary>
    public ReadOnlySpan<(int Start, int End)> Written => CollectionsMarshal.AsSpan(_written);

    /// <summary>All data stripes.</summary>
    public Span<byte> Data => _bytes.AsSpan(0, DataCount * FormatLimits.StripeLength);

    /// <summary>The number of the full stripe that holds an address, and where in it.</summary>
    public static (ulong Row, int Offset) Locate(Chunk chunk, LogicalAddress address)
    {
        ulong length = (ulong)(chunk.Stripes.Length - chunk.ParityCount) * FormatLimits.StripeLength;
        ulong offset = address - chunk.Start;
        return (offset / length, (int)(offset % length));
    }

    /// <summary>Takes the begin of <paramref name="data"/>, as much as belongs here, and returns how much that was. Offsets rise from call to call.</summary>
    public int Put(int offset, ReadOnlySpan<byte> data)
    {
        int length = Math.Min(data.Length, Data.Length - offset);
        data[..length].CopyTo(Data[offset..]);
        if (_written.Count > 0 && _written[^1].End == offset)
        {
            _written[^1] = (_written[^1].Start, offset + length);
        }
        else
        {
            Invariant.That(_written.Count == 0 || _written[^1].End < offset);
            _written.Add((offset, offset + length));
        }

        return length;
    }

    /// <summary>The stripe of a role from its begin: the data stripes in order, then P, then Q.</summary>
    public Span<byte> Role(int role) => _bytes.AsSpan(role * FormatLimits.StripeLength, FormatLimits.StripeLength);

    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);
}
