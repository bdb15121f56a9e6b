using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>
/// Which chunk holds a logical address: an array in order of addresses, searched by halves.
/// It is filled by one thread while a file system is opened, and read by any number afterwards.
/// </summary>
public sealed class ChunkMap
{
    private readonly List<Chunk> _chunks = [];

    // Only a hint, so a torn view between threads costs a search and nothing more.
    private Chunk? _lastHit;

    public IReadOnlyList<Chunk> Chunks => _chunks;

    /// <summary>Adds the system chunks that the superblock itself carries: enough to read the chunk tree.</summary>
    /// <param name="superblock">Passed <see cref="SuperblockCheck"/>, which looks through the array.</param>
    /// <exception cref="CorruptMetadataException">Two chunks overlap.</exception>
    public void AddSystemArray(in Superblock superblock)
    {
        ReadOnlySpan<byte> rest = superblock.SystemChunkArray[..(int)superblock.SystemChunkArrayLength.Value];
        while (!rest.IsEmpty)
        {
            Key key = MemoryMarshal.AsRef<DiskKey>(rest);
            rest = rest[DiskKey.Size..];
            int size = ChunkCheck.SizeOf(MemoryMarshal.AsRef<ChunkItem>(rest));
            Add(key, rest[..size]);
            rest = rest[size..];
        }
    }

    /// <summary>Adds a chunk item. Adding the very same chunk twice is fine: the chunk tree repeats the system array.</summary>
    /// <param name="key">The chunk's key: its offset is the logical address.</param>
    /// <param name="item">Passed <see cref="ChunkCheck"/>, as all items of a block from <see cref="ExtentBufferReader"/> have.</param>
    /// <exception cref="CorruptMetadataException">The chunk overlaps another, or uses a device twice without being dup.</exception>
    public void Add(Key key, ReadOnlySpan<byte> item)
    {
        Chunk chunk = Chunk.Parse(key, item);
        VerifyDevices(key, chunk);
        int slot = FirstEndingBehind(chunk.Start);
        if (slot < _chunks.Count && _chunks[slot].Start < chunk.End)
        {
            if (_chunks[slot].SameAs(chunk))
                return;

            throw new CorruptMetadataException(
                $"corrupt chunk {key}: [{chunk.Start}, {chunk.End}) overlaps chunk [{_chunks[slot].Start}, {_chunks[slot].End})");
        }

        _chunks.Insert(slot, chunk);
    }

    /// <exception cref="CorruptMetadataException">No chunk maps the address.</exception>
    public Chunk Find(LogicalAddress address) =>
        TryFind(address, out Chunk? chunk) ? chunk : throw new CorruptMetadataException($"corrupt metadata: no chunk maps logical address {address}");

    public bool TryFind(LogicalAddress address, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Chunk? chunk)
    {
        chunk = _lastHit;
        if (chunk is not null && chunk.Contains(address))
            return true;

        int slot = FirstEndingBehind(address);
        if (slot == _chunks.Count || !_chunks[slot].Contains(address))
        {
            chunk = null;
            return false;
        }

        chunk = _lastHit = _chunks[slot];
        return true;
    }

    // A profile protects against the loss of a device only by using each once, and the kernel allocates so. It also bounds what a damaged
    // chunk can cost: no more stripes can be read than there are devices, however many it names.
    private static void VerifyDevices(Key key, Chunk chunk)
    {
        if ((chunk.Type & BlockGroupFlags.Dup) != 0)
            return;

        HashSet<ulong> seen = [];
        foreach (ref readonly ChunkStripe stripe in chunk.Stripes)
        {
            if (!seen.Add(stripe.DeviceId))
                throw new CorruptMetadataException($"corrupt chunk {key}: device {stripe.DeviceId} has two of its stripes");
        }
    }

    private int FirstEndingBehind(LogicalAddress address)
    {
        int low = 0;
        int high = _chunks.Count;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) >> 1);
            if (_chunks[middle].End <= address)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }
}
