using Btrfs.Inode;

namespace Btrfs.Send.Data;

/// <summary>A snapshot that the receiver has, and the best place in it to clone the extent at work from.</summary>
internal sealed class CloneSource(Subvolume subvolume)
{
    public Subvolume Subvolume { get; } = subvolume;

    public bool IsFound { get; set; }

    public ulong Inode { get; set; }

    /// <summary>Where in the source file to clone from; moves on while a range is cloned piece by piece.</summary>
    public ulong Offset { get; set; }

    /// <summary>Bytes that the source's own run of the extent covers.</summary>
    public ulong NumBytes { get; set; }

    public void Reset()
    {
        IsFound = false;
        Inode = ulong.MaxValue;
        Offset = 0;
        NumBytes = 0;
    }
}
