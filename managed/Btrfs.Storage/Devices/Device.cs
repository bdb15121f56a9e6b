using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>A device of the file system that is here.</summary>
/// <param name="Id">The devid that stripes name.</param>
/// <param name="Uuid">The device's own UUID.</param>
/// <param name="Block">Its bytes.</param>
/// <param name="Generation">Of its newest valid superblock.</param>
/// <param name="IsStale">It missed commits that other devices have: its copies are tried last.</param>
public sealed record Device(ulong Id, Uuid Uuid, IBlockDevice Block, ulong Generation, bool IsStale)
{
    private volatile bool _hasMissedWrites;
    private volatile bool _isLeftBehind;

    /// <summary>It belongs to a seed file system below this one, and is never written.</summary>
    public bool IsSeed { get; init; }

    /// <summary>
    /// Whether the newest commit is the only one that it may have missed. A power cut between two devices' superblocks leaves that, and then nothing but
    /// the superblock is missing, since the blocks were durable on all devices before. Whoever means to write looks whether they are (<see cref="DeviceSet.LeaveAbsenteesBehind"/>).
    /// </summary>
    public bool IsOneBehind { get; init; }

    /// <summary>A write or a flush of it failed since it was opened, and was made good by others: what it holds may be old wherever no checksum tells.</summary>
    public bool HasMissedWrites => _hasMissedWrites;

    /// <summary>Whether nothing is known to be missing from it.</summary>
    public bool IsCurrent => !IsStale && !_hasMissedWrites;

    /// <summary>
    /// Whether it takes writes. One that missed commits does not: with its next superblock it would pass for up to date, and what it missed would be read from it.
    /// </summary>
    public bool TakesWrites => (!IsStale || IsOneBehind) && !_isLeftBehind && !IsSeed && Block.IsWritable;

    /// <summary>Whether it takes writes and has had all of them: only then its old bytes may go into a parity.</summary>
    public bool HasAllWrites => TakesWrites && !_hasMissedWrites;

    internal void NoteMissedWrite() => _hasMissedWrites = true;

    /// <summary>It gets no writes any more, superblocks included: the next opening finds it behind the others.</summary>
    internal void LeaveBehind() => _isLeftBehind = true;
}
