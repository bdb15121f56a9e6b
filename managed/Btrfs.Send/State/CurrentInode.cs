using Btrfs.Format;

namespace Btrfs.Send.State;

/// <summary>The inode at work. Of a deleted one these are the values that it had in the parent snapshot.</summary>
internal sealed class CurrentInode
{
    /// <summary>Marks <see cref="LastExtentEnd"/> as not known yet.</summary>
    public const ulong Unknown = ulong.MaxValue;

    public ulong Number { get; set; }

    public ulong Generation { get; set; }

    public ulong FileSize { get; set; }

    public uint Mode { get; set; }

    public ulong RDev { get; set; }

    public InodeFlags Flags { get; set; }

    public bool IsNew { get; set; }

    /// <summary>The number was used again: the old inode goes, a new one comes, both at once.</summary>
    public bool IsReplaced { get; set; }

    public bool IsDeleted { get; set; }

    /// <summary>An orphan in every snapshot that has it: nothing is said of it.</summary>
    public bool IsIgnored { get; set; }

    /// <summary>Where the last extent that was looked at ends, to find the holes between extents. <see cref="Unknown"/> at first.</summary>
    public ulong LastExtentEnd { get; set; }

    /// <summary>Where the last write or clone ended.</summary>
    public ulong NextWriteOffset { get; set; }

    public InodeId Id => new(Number, Generation);

    public bool IsDirectory => InodeMode.IsDirectory(Mode);

    public bool IsRegular => InodeMode.IsRegular(Mode);

    public bool IsSymbolicLink => InodeMode.IsSymbolicLink(Mode);

    public void Begin(ulong number)
    {
        Number = number;
        IsReplaced = false;
        IsIgnored = false;
        LastExtentEnd = Unknown;
        NextWriteOffset = 0;
    }

    public void Take(in InodeItem item, bool isNew, bool isDeleted)
    {
        Generation = item.Generation;
        FileSize = item.FileSize;
        Mode = item.Mode;
        Flags = (InodeFlags)item.Flags.Value;
        if (!isDeleted)
            RDev = item.RDev;
        IsNew = isNew;
        IsDeleted = isDeleted;
    }
}
