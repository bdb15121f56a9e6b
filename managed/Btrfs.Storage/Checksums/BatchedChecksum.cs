using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>What the algorithms have in common: many sectors at once, compared batch by batch on the stack.</summary>
internal abstract class BatchedChecksum : IChecksum
{
    private const int BatchSectors = 64;

    public abstract ChecksumType Type { get; }

    public int Size => ChecksumTypes.Size(Type);

    public abstract void Compute(ReadOnlySpan<byte> data, Span<byte> destination);

    public void ComputeSectors(ReadOnlySpan<byte> data, int sectorSize, Span<byte> sums)
    {
        int sectors = data.Length / sectorSize;
        Invariant.That(sectors * sectorSize == data.Length && sums.Length >= sectors * Size);
        ComputeBatch(data, sectorSize, sums[..(sectors * Size)]);
    }

    public bool VerifySectors(ReadOnlySpan<byte> data, int sectorSize, ReadOnlySpan<byte> sums)
    {
        Invariant.That(data.Length % sectorSize == 0 && sums.Length == data.Length / sectorSize * Size);
        Span<byte> computed = stackalloc byte[BatchSectors * FormatLimits.ChecksumFieldSize];
        while (!data.IsEmpty)
        {
            int sectors = Math.Min(BatchSectors, data.Length / sectorSize);
            Span<byte> batch = computed[..(sectors * Size)];
            ComputeBatch(data[..(sectors * sectorSize)], sectorSize, batch);
            if (!batch.SequenceEqual(sums[..batch.Length]))
                return false;

            data = data[(sectors * sectorSize)..];
            sums = sums[batch.Length..];
        }

        return true;
    }

    /// <summary>One checksum for each sector of <paramref name="data"/>; <paramref name="sums"/> has exactly the room.</summary>
    protected abstract void ComputeBatch(ReadOnlySpan<byte> data, int sectorSize, Span<byte> sums);
}
