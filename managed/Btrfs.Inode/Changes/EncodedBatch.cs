using System.Buffers;
using Btrfs.Space.Transactions;

namespace Btrfs.Inode.Changes;

/// <summary>Compressed extents one behind the other, each with zeros up to the end of its last sector, on their way to the disk.</summary>
/// <param name="capacity">How many bytes of them there can be.</param>
/// <param name="sectorSize">Of the file system.</param>
/// <param name="encoder">Makes their checksums.</param>
internal sealed class EncodedBatch(int capacity, int sectorSize, DataEncoder encoder) : IDisposable
{
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(capacity);
    private byte[] _sums = ArrayPool<byte>.Shared.Rent(Math.Max(1, capacity / sectorSize * (encoder.Checksum?.Size ?? 0)));
    private int _sumBytes;

    public List<(EncodedExtent Extent, int Bytes)> Extents { get; } = [];

    /// <summary>Where they lie on the disk, once that is decided.</summary>
    public List<DataExtent> Places { get; } = [];

    /// <summary>Ends when they are written.</summary>
    public Task Written { get; set; } = Task.CompletedTask;

    public int Length { get; private set; }

    public int Room => capacity - Length;

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    public ReadOnlySpan<byte> Sums => _sums.AsSpan(0, _sumBytes);

    /// <summary>Takes one more. Its checksums are made while it is in the cache of the processor that has just decoded it.</summary>
    public void Add(in EncodedExtent extent, ReadOnlySpan<byte> data, int bytes)
    {
        Span<byte> sectors = _bytes.AsSpan(Length, bytes);
        data.CopyTo(sectors);
        sectors[data.Length..].Clear();
        _sumBytes += encoder.Sum(sectors, _sums.AsSpan(_sumBytes));
        Extents.Add((extent, bytes));
        Length += bytes;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        ArrayPool<byte>.Shared.Return(_sums);
        _bytes = _sums = [];
    }
}
