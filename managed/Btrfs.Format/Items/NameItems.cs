using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>The head of one name of an inode; the name follows. Key: (inode, InodeRef, parent). 10 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct InodeRef
{
    /// <summary>The offset of the matching DirIndex item in the parent.</summary>
    public Le64 Index;
    public Le16 NameLength;

    public const int Size = 10;
}

/// <summary>As <see cref="InodeRef"/>, when its item is full. Key: (inode, InodeExtref, hash of parent and name). 18 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct InodeExtref
{
    public Le64 Parent;
    public Le64 Index;
    public Le16 NameLength;

    public const int Size = 18;
}

/// <summary>
/// The head of a directory entry or xattr; name, then data, follow. Keys: (directory, DirItem, hash of the name), of which
/// several share one item when hashes collide; (directory, DirIndex, sequence); (inode, XattrItem, hash of the name). 30 bytes.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct DirItem
{
    /// <summary>An InodeItem key in the same tree, or a RootItem key when the entry is a subvolume.</summary>
    public DiskKey Location;
    public Le64 TransId;
    public Le16 DataLength;
    public Le16 NameLength;
    public DirEntryType Type;

    public const int Size = 30;
}

public enum DirEntryType : byte
{
    Unknown = 0,
    RegularFile = 1,
    Directory = 2,
    CharacterDevice = 3,
    BlockDevice = 4,
    Fifo = 5,
    Socket = 6,
    SymbolicLink = 7,
    Xattr = 8,
    Encrypted = 0x80,
}

/// <summary>
/// The head of the link between a subvolume and the directory that shows it; the name follows.
/// Keys in the root tree: (parent root, RootRef, child root) and (child root, RootBackref, parent root). 18 bytes.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public struct RootRef
{
    public Le64 DirId;
    public Le64 Sequence;
    public Le16 NameLength;

    public const int Size = 18;
}
