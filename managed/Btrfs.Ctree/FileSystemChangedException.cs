using Btrfs.Format;

namespace Btrfs.Ctree;

/// <summary>The kernel has the file system mounted and has moved what was being read. Another try reads the new state.</summary>
public sealed class FileSystemChangedException : BtrfsException
{
    public FileSystemChangedException(string message)
        : base(message)
    {
    }

    public FileSystemChangedException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
