using Btrfs.Format;

namespace Btrfs.Cli.Commands.Inspect;

/// <summary>Items of inodes but their data: the inode itself, its names, directory entries, xattrs, and what a log says of a directory.</summary>
internal sealed class InodePrinter(DumpOutput output, bool hideNames)
{
    private static readonly (ulong, string)[] s_flags =
    [
        ((ulong)InodeFlags.NoDataSum, "NODATASUM"),
        ((ulong)InodeFlags.NoDataCow, "NODATACOW"),
        ((ulong)InodeFlags.ReadOnly, "READONLY"),
        ((ulong)InodeFlags.NoCompress, "NOCOMPRESS"),
        ((ulong)InodeFlags.Prealloc, "PREALLOC"),
        ((ulong)InodeFlags.Sync, "SYNC"),
        ((ulong)InodeFlags.Immutable, "IMMUTABLE"),
        ((ulong)InodeFlags.Append, "APPEND"),
        ((ulong)InodeFlags.NoDump, "NODUMP"),
        ((ulong)InodeFlags.NoATime, "NOATIME"),
        ((ulong)InodeFlags.DirSync, "DIRSYNC"),
        ((ulong)InodeFlags.Compress, "COMPRESS"),
    ];

    public void PrintInode(ReadOnlySpan<byte> data)
    {
        InodeItem inode = ItemRecord.Read<InodeItem>(data);
        output.Line($"\t\tgeneration {inode.Generation} transid {inode.TransId} size {inode.FileSize} nbytes {inode.NBytes}");
        output.Line($"\t\tblock group {inode.BlockGroup} mode {Octal(inode.Mode)} links {inode.NLink} uid {inode.Uid} gid {inode.Gid} rdev {inode.RDev}");
        output.Line($"\t\tsequence {inode.Sequence} flags 0x{inode.Flags.Value:x}({new BitNames(inode.Flags, s_flags, "none")})");
        output.Line($"\t\tatime {inode.ATime}");
        output.Line($"\t\tctime {inode.CTime}");
        output.Line($"\t\tmtime {inode.MTime}");
        output.Line($"\t\totime {inode.OTime}");
    }

    public void PrintInodeRefs(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            InodeRef entry = ItemRecord.Read<InodeRef>(ItemRecord.Take(ref data, InodeRef.Size));
            ReadOnlySpan<byte> name = ItemRecord.Take(ref data, entry.NameLength);
            output.Line($"\t\tindex {entry.Index} namelen {entry.NameLength} name: {Shown(name)}");
        }
    }

    public void PrintInodeExtrefs(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            InodeExtref entry = ItemRecord.Read<InodeExtref>(ItemRecord.Take(ref data, InodeExtref.Size));
            ReadOnlySpan<byte> name = ItemRecord.Take(ref data, entry.NameLength);
            output.Line($"\t\tindex {entry.Index} parent {entry.Parent} namelen {entry.NameLength} name: {Shown(name)}");
        }
    }

    public void PrintDirItems(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            DirItem entry = ItemRecord.Read<DirItem>(ItemRecord.Take(ref data, DirItem.Size));
            ReadOnlySpan<byte> name = ItemRecord.Take(ref data, entry.NameLength);
            ReadOnlySpan<byte> value = ItemRecord.Take(ref data, entry.DataLength);
            output.Line($"\t\tlocation key {entry.Location} type {NameOf(entry.Type)}");
            output.Line($"\t\ttransid {entry.TransId} data_len {entry.DataLength} name_len {entry.NameLength}");
            output.Line($"\t\tname: {Shown(name)}");
            if (entry.DataLength != 0)
                output.Line($"\t\tdata {Shown(value)}");
        }
    }

    public void PrintOrphan() => output.Line($"\t\torphan item");

    public void PrintDirLog(ReadOnlySpan<byte> data) => output.Line($"\t\tdir log end {ItemRecord.Read<Le64>(data)}");

    private ReadOnlySpan<byte> Shown(ReadOnlySpan<byte> name) => hideNames ? "HIDDEN"u8 : ItemRecord.UpToZero(name);

    private static string Octal(uint mode) => Convert.ToString(mode, 8);

    private static string NameOf(DirEntryType type) => type switch
    {
        DirEntryType.RegularFile => "FILE",
        DirEntryType.Directory => "DIR",
        DirEntryType.CharacterDevice => "CHRDEV",
        DirEntryType.BlockDevice => "BLKDEV",
        DirEntryType.Fifo => "FIFO",
        DirEntryType.Socket => "SOCK",
        DirEntryType.SymbolicLink => "SYMLINK",
        DirEntryType.Xattr => "XATTR",
        _ => $"DIR_ITEM.{(byte)type}",
    };
}
