using System.Runtime.InteropServices;
using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Space.Transactions;

/// <summary>Makes the superblock of a commit out of the one before.</summary>
internal static class SuperblockUpdate
{
    /// <param name="super">The last commit's; changed in place.</param>
    /// <param name="roots">The trees as they are to be committed.</param>
    /// <param name="generation">Of this commit.</param>
    /// <param name="bytesUsed">Over all block groups.</param>
    public static void Apply(ref Superblock super, RootTable roots, ulong generation, ulong bytesUsed)
    {
        bool hadUuidTree = super.UuidTreeGeneration == super.Generation;
        super.Generation = generation;
        super.Root = roots.RootTree.Bytenr.Value;
        super.RootLevel = (byte)roots.RootTree.Level;
        super.ChunkRoot = roots.ChunkTree.Bytenr.Value;
        super.ChunkRootLevel = (byte)roots.ChunkTree.Level;
        super.ChunkRootGeneration = roots.ChunkTree.Generation;
        super.BytesUsed = bytesUsed;
        if (hadUuidTree)
            super.UuidTreeGeneration = generation;
        super.RootBackupsField[(int)(generation % FormatLimits.BackupRootCount)] = Backup(super, roots);
    }

    /// <summary>Enters a system chunk in the array that the superblock carries.</summary>
    /// <exception cref="NoSpaceException">The array is full.</exception>
    public static void AddSystemChunk(ref Superblock super, Key key, ReadOnlySpan<byte> chunk)
    {
        int length = (int)super.SystemChunkArrayLength.Value;
        if (length + DiskKey.Size + chunk.Length > FormatLimits.SystemChunkArraySize)
            throw new NoSpaceException($"no space left for system chunks: the superblock's array has {length} of {FormatLimits.SystemChunkArraySize} bytes in use");

        Span<byte> rest = super.SystemChunkArrayField[length..];
        MemoryMarshal.Write(rest, new DiskKey(key));
        chunk.CopyTo(rest[DiskKey.Size..]);
        super.SystemChunkArrayLength = (uint)(length + DiskKey.Size + chunk.Length);
    }

    private static RootBackup Backup(in Superblock super, RootTable roots)
    {
        // A block-group tree or a missing one leaves zeros behind, as the kernel does.
        TreeRoot extent = Root(ObjectIds.ExtentTree);
        TreeRoot files = Root(ObjectIds.FsTree);
        TreeRoot devices = Root(ObjectIds.DevTree);
        TreeRoot sums = Root(ObjectIds.CsumTree);
        return new RootBackup
        {
            TreeRoot = super.Root,
            TreeRootGeneration = super.Generation,
            TreeRootLevel = super.RootLevel,
            ChunkRoot = super.ChunkRoot,
            ChunkRootGeneration = super.ChunkRootGeneration,
            ChunkRootLevel = super.ChunkRootLevel,
            ExtentRoot = extent.Bytenr.Value,
            ExtentRootGeneration = extent.Generation,
            ExtentRootLevel = (byte)extent.Level,
            FsRoot = files.Bytenr.Value,
            FsRootGeneration = files.Generation,
            FsRootLevel = (byte)files.Level,
            DevRoot = devices.Bytenr.Value,
            DevRootGeneration = devices.Generation,
            DevRootLevel = (byte)devices.Level,
            CsumRoot = sums.Bytenr.Value,
            CsumRootGeneration = sums.Generation,
            CsumRootLevel = (byte)sums.Level,
            TotalBytes = super.TotalBytes,
            BytesUsed = super.BytesUsed,
            DeviceCount = super.DeviceCount,
        };

        TreeRoot Root(ulong id) => roots.TryGet(id)?.Tree.Root ?? default;
    }
}
