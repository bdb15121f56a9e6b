using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>
/// Which chunk holds a logical address: an array in order of addresses, searched by halves. Any number of threads look up while one at a time adds
/// and removes: each change publishes a new view, and a view never changes.
/// </summary>
public sealed class ChunkMap
{
    private readonly Lock _lock = new();
    private View _view = new([], 0);

    /// <summary>The chunks as of now, in order of addresses. What is returned never changes.</summary>
    public IReadOnlyList<Chunk> Chunks => Volatile.Read(ref _view).AsList();

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
    public void Add(Key key, ReadOnlySpan<byte> item) => Add(Chunk.Parse(new LogicalAddress(key.Offset), item));

    /// <summary>Adds a chunk. Adding the very same chunk twice is fine.</summary>
    /// <exception cref="CorruptMetadataException">The chunk overlaps another, or uses a device twice without being dup.</exception>
    public void Add(Chunk chunk)
    {
        VerifyDevices(chunk);
        lock (_lock)
        {
            View view = _view;
            int slot = view.FirstEndingBehind(chunk.Start);
            if (slot < view.Count && view[slot].Start < chunk.End)
            {
                if (view[slot].SameAs(chunk))
                    return;

                throw new CorruptMetadataException(
                    $"corrupt chunk {KeyOf(chunk)}: [{chunk.Start}, {chunk.End}) overlaps chunk [{view[slot].Start}, {view[slot].End})");
            }

            Volatile.Write(ref _view, view.Insert(slot, chunk));
        }
    }

    /// <summary>Takes a chunk out again. A thread that has just found it may still use it.</summary>
    /// <param name="start">Where a chunk begins.</param>
    public void Remove(LogicalAddress start)
    {
        lock (_lock)
        {
            View view = _view;
            int slot = view.FirstEndingBehind(start);
            Invariant.That(slot < view.Count && view[slot].Start == start);
            Volatile.Write(ref _view, view.RemoveAt(slot));
        }
    }

    /// <exception cref="CorruptMetadataException">No chunk maps the address.</exception>
    public Chunk Find(LogicalAddress address) =>
        TryFind(address, out Chunk? chunk) ? chunk : throw new CorruptMetadataException($"corrupt metadata: no chunk maps logical address {address}");

    public bool TryFind(LogicalAddress address, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Chunk? chunk) =>
        Volatile.Read(ref _view).TryFind(address, out chunk);

    private static Key KeyOf(Chunk chunk) => new(ObjectIds.FirstChunkTree, ItemType.ChunkItem, chunk.Start.Value);

    // A profile protects against the loss of a device only by using each once, and the kernel allocates so. It also bounds what a damaged
    // chunk can cost: no more stripes can be read than there are devices, however many it names.
    private static void VerifyDevices(Chunk chunk)
    {
        if ((chunk.Type & BlockGroupFlags.Dup) != 0)
            return;

        HashSet<ulong> seen = [];
        foreach (ref readonly ChunkStripe stripe in chunk.Stripes)
        {
            if (!seen.Add(stripe.DeviceId))
                throw new CorruptMetadataException($"corrupt chunk {KeyOf(chunk)}: device {stripe.DeviceId} has two of its stripes");
        }
    }

    /// <summary>
    /// The chunks at one time. Views may share an array: one grows it in place behind what the earlier ones see of it, since a file system is
    /// opened by adding its chunks in order.
    /// </summary>
    private sealed class View(Chunk[] chunks, int count)
    {
        // Only a hint, so a torn view between threads costs a search and nothing more.
        private Chunk? _lastHit;

        public int Count => count;

        public Chunk this[int slot] => chunks[slot];

        public ArraySegment<Chunk> AsList() => new(chunks, 0, count);

        public View Insert(int slot, Chunk chunk)
        {
            // Of two views over one array only the newest, the longest, comes here: what lies behind it belongs to nobody.
            if (slot == count && count < chunks.Length)
            {
                chunks[count] = chunk;
                return new View(chunks, count + 1);
            }

            Chunk[] grown = new Chunk[Math.Max(4, count + count / 2 + 1)];
            chunks.AsSpan(0, slot).CopyTo(grown);
            grown[slot] = chunk;
            chunks.AsSpan(slot, count - slot).CopyTo(grown.AsSpan(slot + 1));
            return new View(grown, count + 1);
        }

        public View RemoveAt(int slot)
        {
            Chunk[] rest = new Chunk[count - 1];
            chunks.AsSpan(0, slot).CopyTo(rest);
            chunks.AsSpan(slot + 1, count - slot - 1).CopyTo(rest.AsSpan(slot));
            return new View(rest, count - 1);
        }

        public bool TryFind(LogicalAddress address, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Chunk? chunk)
        {
            chunk = _lastHit;
            if (chunk is not null && chunk.Contains(address))
                return true;

            int slot = FirstEndingBehind(address);
            if (slot == count || !chunks[slot].Contains(address))
            {
                chunk = null;
                return false;
            }

            chunk = _lastHit = chunks[slot];
            return true;
        }

        public int FirstEndingBehind(LogicalAddress address)
        {
            int low = 0;
            int high = count;
            while (low < high)
            {
                int middle = (int)((uint)(low + high) >> 1);
                if (chunks[middle].End <= address)
                    low = middle + 1;
                else
                    high = middle;
            }

            return low;
        }
    }
}
