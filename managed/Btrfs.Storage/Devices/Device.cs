using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>A device of the file system that is here.</summary>
/// <param name="Id">The devid that stripes name.</param>
/// <param name="Uuid">The device's own UUID.</param>
/// <param name="Block">Its bytes.</param>
/// <param name="Generation">Of its newest valid superblock.</param>
/// <param name="IsStale">It missed commits that other devices have: its copies are tried last.</param>
public sealed record Device(ulong Id, Uuid Uuid, IBlockDevice Block, ulong Generation, bool IsStale);
