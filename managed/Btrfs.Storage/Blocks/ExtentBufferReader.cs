using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>
/// Reads tree blocks, verifies all of them, and keeps the recent ones. A block that fails on one mirror is taken from another, in memory.
/// Any thread may call; two that want the same block at once may both read it.
/// </summary>
public sealed class ExtentBufferReader : IBlockSource
{
    private const int MaxOnStack = 256;

    private readonly LogicalVolume _volume;
    private readonly ExtentBufferCache _cache;
    private readonly IChecksum _checksum;
    private readonly Uuid[] _fsids;
    private BlockContext _context;
    private long _reads;
    private long _hits;
    private long _repaired;

    /// <param name="volume">With at least the chunks that hold what will be read.</param>
    /// <param name="superblock">Of the file system, and passed <see cref="SuperblockCheck"/>: sizes, checksum type and UUID.</param>
    /// <param name="cacheLimitBytes">How many bytes of blocks to keep; at least one block is kept.</param>
    /// <param name="seedFsids">Metadata UUIDs of the seed file systems below this one, whose blocks are as good.</param>
    /// <exception cref="UnsupportedFeatureException">The checksum type is unknown.</exception>
    public ExtentBufferReader(LogicalVolume volume, in Superblock superblock, long cacheLimitBytes, IReadOnlyList<Uuid>? seedFsids = null)
    {
        _volume = volume;
        _context = BlockContext.FromSuperblock(superblock);
        _checksum = Checksums.For(superblock.CsumType);
        _fsids = [superblock.MetadataUuid, .. seedFsids ?? []];
        _cache = new ExtentBufferCache(cacheLimitBytes, _context.NodeSize);
    }

    /// <summary>Blocks read from devices, each once however many mirrors it took.</summary>
    public long Reads => Interlocked.Read(ref _reads);

    /// <summary>Blocks that the cache had.</summary>
    public long Hits => Interlocked.Read(ref _hits);

    /// <summary>Blocks that one mirror at least had wrong or not at all, and another had right.</summary>
    public long Repaired => Interlocked.Read(ref _repaired);

    /// <inheritdoc/>
    public ExtentBuffer Read(in BlockPointer pointer, ulong root)
    {
        if (_cache.TryGet(pointer.Bytenr, out ExtentBuffer? cached) && Mismatch(cached, pointer, root) is null)
        {
            Interlocked.Increment(ref _hits);
            return cached;
        }

        // A cached block that the pointer contradicts is read anew: below a mounted file system the address may hold another block by now.
        ExtentBuffer buffer = ReadFromMirrors(pointer, root);
        _cache.Put(buffer);
        return buffer;
    }

    /// <inheritdoc/>
    public void Prefetch(ReadOnlySpan<BlockPointer> pointers)
    {
        Span<ulong> wanted = pointers.Length <= MaxOnStack ? stackalloc ulong[pointers.Length] : new ulong[pointers.Length];
        int count = 0;
        foreach (ref readonly BlockPointer pointer in pointers)
        {
            if (!_cache.TryGet(pointer.Bytenr, out _))
                wanted[count++] = pointer.Bytenr.Value;
        }

        // Blocks that one transaction wrote lie side by side, and come in one transfer.
        wanted = wanted[..count];
        wanted.Sort();
        for (int first = 0, next; first < count; first = next)
        {
            for (next = first + 1; next < count && wanted[next] - wanted[next - 1] == (ulong)_context.NodeSize;)
                next++;
            _volume.Prefetch(new LogicalAddress(wanted[first]), (next - first) * _context.NodeSize);
        }
    }

    /// <summary>A commit is about to be readable: generations up to its own are not from the future any more.</summary>
    public void NoteCommit(ulong generation) => _context = _context with { Generation = generation };

    /// <summary>Keeps a block that a commit has just written: whoever reads it next need not go to the device.</summary>
    public void Keep(ExtentBuffer buffer)
    {
        Invariant.That(!buffer.IsWritable);
        _cache.Put(buffer);
    }

    private ExtentBuffer ReadFromMirrors(in BlockPointer pointer, ulong root)
    {
        if (pointer.Bytenr.Value % (ulong)_context.SectorSize != 0)
            throw new CorruptMetadataException(root, pointer.Bytenr, -1, $"block address is not a multiple of the sector size {_context.SectorSize}");
        if (!_volume.Chunks.TryFind(pointer.Bytenr, out Chunk? chunk) || chunk.End - pointer.Bytenr < (ulong)_context.NodeSize)
            throw new CorruptMetadataException(root, pointer.Bytenr, -1, "no chunk maps the block");

        Interlocked.Increment(ref _reads);
        byte[] bytes = GC.AllocateUninitializedArray<byte>(_context.NodeSize);
        MirrorFailures? failures = null;
        int preferred = _volume.PreferredMirror(pointer.Bytenr);
        for (int attempt = 0; attempt < chunk.MirrorCount; attempt++)
        {
            int mirror = MirrorOrder.Nth(preferred, attempt);
            string? failure = TryRead(pointer, root, mirror, bytes, out ExtentBuffer? buffer);
            if (buffer is not null)
            {
                if (failures is not null)
                    Interlocked.Increment(ref _repaired);
                return buffer;
            }

            failures ??= new MirrorFailures();
            failures.Add(mirror, failure!);
        }

        throw new CorruptMetadataException(root, pointer.Bytenr, -1, failures!.ToString());
    }

    private string? TryRead(in BlockPointer pointer, ulong root, int mirror, byte[] bytes, out ExtentBuffer? buffer)
    {
        buffer = null;
        try
        {
            _volume.Read(pointer.Bytenr, bytes, mirror);
            if (Damage(bytes, pointer.Bytenr) is { } damage)
                return damage;

            BlockCheck.Verify(bytes, _context);
        }
        catch (Exception error) when (error is IOException or CorruptMetadataException)
        {
            return error.Message;
        }

        ExtentBuffer read = ExtentBuffer.Adopt(bytes);
        if (Mismatch(read, pointer, root) is { } mismatch)
            return mismatch;

        buffer = read;
        return null;
    }

    /// <summary>What is wrong with a block whoever points to it; null for nothing.</summary>
    private string? Damage(ReadOnlySpan<byte> bytes, LogicalAddress bytenr)
    {
        if (!Checksums.VerifyBlock(_checksum, bytes, out string? mismatch))
            return mismatch;

        ref readonly BlockHeader header = ref Overlay.At<BlockHeader>(bytes);
        if (header.Bytenr != bytenr.Value)
            return $"bytenr mismatch, have {header.Bytenr.Value} expect {bytenr}";
        if (!_fsids.AsSpan().Contains(header.Fsid))
            return $"fsid mismatch, have {header.Fsid} expect {string.Join(" or ", _fsids)}";

        return null;
    }

    /// <summary>Where a sound block is not the one that the pointer means; null for nowhere.</summary>
    private static string? Mismatch(ExtentBuffer buffer, in BlockPointer pointer, ulong root)
    {
        if (pointer.Generation != 0 && buffer.Generation != pointer.Generation)
            return $"generation mismatch, have {buffer.Generation} expect {pointer.Generation}";
        if (buffer.Level != pointer.Level)
            return $"level mismatch, have {buffer.Level} expect {pointer.Level}";
        if (pointer.FirstKey is { } key && buffer.FirstKey != key)
            return $"first key mismatch, have {(buffer.FirstKey is { } have ? have : "none")} expect {key}";

        return OwnerMismatch(buffer.Owner, root);
    }

    /// <summary>Trees of files share blocks among each other; every other tree owns its blocks alone, logs and relocation apart.</summary>
    private static string? OwnerMismatch(ulong owner, ulong root)
    {
        if (root is ObjectIds.TreeLog or ObjectIds.TreeReloc)
            return null;
        if (ObjectIds.IsFileTree(root))
            return ObjectIds.IsFileTree(owner) ? null : $"owner mismatch, have {(long)owner} expect a tree of files";

        return owner == root ? null : $"owner mismatch, have {(long)owner} expect {(long)root}";
    }
}
