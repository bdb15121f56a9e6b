using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Inode.Import;

/// <summary>A directory that imported inodes go into, with what they inherit from it.</summary>
public sealed class ImportDirectory
{
    internal ImportDirectory(ulong inode, InodeFlags flags, byte[]? compression, bool isImported)
    {
        Inode = inode;
        Flags = flags;
        Compression = compression;
        IsImported = isImported;
    }

    public ulong Inode { get; }

    internal InodeFlags Flags { get; }

    /// <summary>Value of the compression property.</summary>
    internal byte[]? Compression { get; }

    /// <summary>Whether it keeps the times that it came with; one that was there before has changed now.</summary>
    internal bool IsImported { get; }

    internal static ImportDirectory Of(Change change, ulong inode)
    {
        InodeItem item = change.GetDirectory(inode);
        change.RequireNotImmutable(inode, item);
        return new ImportDirectory(inode, (InodeFlags)item.Flags.Value, Properties.InheritedBy(change, inode, InodeMode.Directory), isImported: false);
    }
}
