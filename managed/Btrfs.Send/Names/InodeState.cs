namespace Btrfs.Send.Names;

/// <summary>What has happened at the receiver to an inode of one generation.</summary>
internal enum InodeState
{
    /// <summary>Neither snapshot has it.</summary>
    Unknown,

    /// <summary>Both snapshots have it.</summary>
    NoChange,
    WillCreate,
    DidCreate,
    WillDelete,
    DidDelete,
}
