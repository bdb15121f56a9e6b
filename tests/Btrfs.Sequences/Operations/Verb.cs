namespace Btrfs.Sequences.Operations;

/// <summary>What an operation does; the members of <see cref="Operation"/> that it uses stand behind each.</summary>
internal enum Verb
{
    /// <summary>Path, Value: mode.</summary>
    Create,

    /// <summary>Path, Value: mode.</summary>
    MakeDirectory,

    /// <summary>Path, Value: mode with its type (fifo, socket, device), Offset: major, Length: minor.</summary>
    MakeNode,

    /// <summary>Path, Other: target.</summary>
    MakeSymbolicLink,

    /// <summary>Path: existing, Other: new name.</summary>
    Link,

    /// <summary>Path: existing, Other: prefix of the new names, Length: how many.</summary>
    LinkMany,

    /// <summary>Path.</summary>
    Unlink,

    /// <summary>Path.</summary>
    RemoveDirectory,

    /// <summary>Path, Other: new name, Value: the flags of renameat2.</summary>
    Rename,

    /// <summary>Path, Offset, Length, Value: seed of the content.</summary>
    Write,

    /// <summary>Path, Length: new size.</summary>
    Truncate,

    /// <summary>Path, Offset, Length, Value: the mode of fallocate.</summary>
    Allocate,

    /// <summary>Path: source, Offset, Length, Other: target, Value: offset there.</summary>
    Clone,

    /// <summary>Path: source, Offset, Length, Other: target, Value: offset there.</summary>
    Dedupe,

    /// <summary>Path, Other: name, Length: of the value, Value: seed of the value.</summary>
    SetXattr,

    /// <summary>Path, Other: name.</summary>
    RemoveXattr,

    /// <summary>Path, Other: name of the ACL, Value: seed of its entries.</summary>
    SetAcl,

    /// <summary>Path, Value: seed of the capabilities.</summary>
    SetCapability,

    /// <summary>Path, Other: zlib, lzo, zstd or empty.</summary>
    SetCompression,

    /// <summary>Path, Value: permissions.</summary>
    ChangeMode,

    /// <summary>Path, Offset: user, Length: group.</summary>
    ChangeOwner,

    /// <summary>Path, Offset: seconds of atime, Length: seconds of mtime, Value: nanoseconds of both.</summary>
    SetTimes,

    /// <summary>Path, Value: FS_*_FL as chattr sets them.</summary>
    SetFlags,

    /// <summary>Path.</summary>
    CreateSubvolume,

    /// <summary>Path: source, Other: new name, Value: 1 for read-only.</summary>
    Snapshot,

    /// <summary>Path.</summary>
    DeleteSubvolume,

    /// <summary>Path, Value: 1 for read-only.</summary>
    SetReadOnly,

    /// <summary>Path.</summary>
    SetDefault,

    /// <summary>Path: what is in memory of the file goes to the disk.</summary>
    WriteBack,

    /// <summary>Path.</summary>
    Fsync,

    Commit,

    /// <summary>Frees what deleted subvolumes had.</summary>
    CleanUp,

    /// <summary>Closes the file system and opens it again.</summary>
    Reopen,

    /// <summary>Ends a sequence: both file systems are committed, read and compared, and ours is checked.</summary>
    Judge,

    /// <summary>From here on the kernel works on our image too.</summary>
    GoToKernel,

    /// <summary>From here on the engine works on our image.</summary>
    GoToEngine,

    /// <summary>The kernel scrubs our image.</summary>
    Scrub,

    /// <summary>The kernel balances our image.</summary>
    Balance,
}
