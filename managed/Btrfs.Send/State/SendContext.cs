using Btrfs.Ctree;
using Btrfs.Inode;
using Btrfs.Send.Ahead;

namespace Btrfs.Send.State;

/// <summary>What all parts of one send share: the snapshots, the inode at work, and how far the receiver is.</summary>
internal sealed class SendContext
{
    public SendContext(FsInfo fs, RootRecord send, RootRecord? parent, SendOptions options)
    {
        Fs = fs;
        Send = new Subvolume(fs, send);
        Parent = parent is null ? null : new Subvolume(fs, parent);
        Options = options;
    }

    public FsInfo Fs { get; }

    public Subvolume Send { get; }

    /// <summary>The snapshot that the receiver starts from; null for a full send.</summary>
    public Subvolume? Parent { get; }

    public SendOptions Options { get; }

    public CurrentInode Current { get; } = new();

    /// <summary>Who reads in front of the walk and wants to know where it is; null where nobody does.</summary>
    public SendReadAhead? ReadAhead { get; set; }

    /// <summary>
    /// Inodes below this number are at the receiver as the send snapshot has them, the others still as the parent snapshot had them.
    /// Every question of where something is at the receiver is answered by it.
    /// </summary>
    public ulong Progress { get; set; }
}
