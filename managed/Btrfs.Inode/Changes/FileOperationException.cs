using System.Text;
using Btrfs.Format;

namespace Btrfs.Inode.Changes;

/// <summary>What POSIX would say to an operation that can't be done; each stands for one errno.</summary>
public enum FileError
{
    /// <summary>ENOENT.</summary>
    NotFound,

    /// <summary>EEXIST.</summary>
    Exists,

    /// <summary>ENOTDIR.</summary>
    NotDirectory,

    /// <summary>EISDIR.</summary>
    IsDirectory,

    /// <summary>ENOTEMPTY.</summary>
    NotEmpty,

    /// <summary>ENAMETOOLONG.</summary>
    NameTooLong,

    /// <summary>EMLINK.</summary>
    TooManyLinks,

    /// <summary>EROFS: the subvolume is read-only.</summary>
    ReadOnlySubvolume,

    /// <summary>EPERM: immutable, append-only, or never allowed.</summary>
    NotPermitted,

    /// <summary>EXDEV.</summary>
    CrossSubvolume,

    /// <summary>EINVAL.</summary>
    Invalid,

    /// <summary>ENODATA: no such xattr.</summary>
    NoAttribute,

    /// <summary>EFBIG, E2BIG or EOVERFLOW: larger than the format can hold.</summary>
    TooLarge,

    /// <summary>A send uses the subvolume: EPERM where it would be deleted or made writable, EAGAIN for a dedupe. It works once the send has ended.</summary>
    Busy,
}

/// <summary>A change that the file system's state forbids. Nothing was changed.</summary>
public sealed class FileOperationException(FileError error, string message) : BtrfsException(message)
{
    public FileError Error { get; } = error;

    internal static FileOperationException OfName(FileError error, ulong root, ulong directory, ReadOnlySpan<byte> name, string what) =>
        new(error, $"{what}: '{Encoding.UTF8.GetString(name)}' in directory {directory} of subvolume {root}");

    internal static FileOperationException OfInode(FileError error, ulong root, ulong inode, string what) =>
        new(error, $"{what}: inode {inode} of subvolume {root}");
}
