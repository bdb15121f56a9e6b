namespace Btrfs.Stream;

/// <summary>Command numbers of the stream. 23 to 25 came with version 2, 26 with version 3.</summary>
public enum CommandType : ushort
{
    /// <summary>Not a command.</summary>
    Unspec = 0,
    Subvol = 1,
    Snapshot = 2,
    Mkfile = 3,
    Mkdir = 4,
    Mknod = 5,
    Mkfifo = 6,
    Mksock = 7,
    Symlink = 8,
    Rename = 9,
    Link = 10,
    Unlink = 11,
    Rmdir = 12,
    SetXattr = 13,
    RemoveXattr = 14,
    Write = 15,
    Clone = 16,
    Truncate = 17,
    Chmod = 18,
    Chown = 19,
    Utimes = 20,
    End = 21,
    UpdateExtent = 22,
    Fallocate = 23,
    Fileattr = 24,
    EncodedWrite = 25,
    EnableVerity = 26,
}
