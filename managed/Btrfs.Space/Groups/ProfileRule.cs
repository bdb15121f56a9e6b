using Btrfs.Format;

namespace Btrfs.Space.Groups;

/// <summary>How a profile lays a chunk over devices.</summary>
/// <param name="Profile">Its bit; none for single.</param>
/// <param name="Name">As options name it.</param>
/// <param name="MinDevices">Fewer can't hold a chunk of it.</param>
/// <param name="MaxDevices">A chunk takes no more; all there are where this is 0.</param>
/// <param name="Multiple">The devices of a chunk are a multiple of this.</param>
/// <param name="Copies">Times that each byte is stored.</param>
/// <param name="Parity">Stripes of a chunk that hold parity.</param>
internal sealed record ProfileRule(BlockGroupFlags Profile, string Name, int MinDevices, int MaxDevices, int Multiple, int Copies, int Parity)
{
    private static readonly ProfileRule[] s_all =
    [
        new(BlockGroupFlags.None, "single", 1, 1, 1, 1, 0),
        new(BlockGroupFlags.Dup, "dup", 1, 1, 1, 2, 0),
        new(BlockGroupFlags.Raid0, "raid0", 1, 0, 1, 1, 0),
        new(BlockGroupFlags.Raid1, "raid1", 2, 2, 2, 2, 0),
        new(BlockGroupFlags.Raid1C3, "raid1c3", 3, 3, 3, 3, 0),
        new(BlockGroupFlags.Raid1C4, "raid1c4", 4, 4, 4, 4, 0),
        new(BlockGroupFlags.Raid10, "raid10", 2, 0, 2, 2, 0),
        new(BlockGroupFlags.Raid5, "raid5", 2, 0, 1, 1, 1),
        new(BlockGroupFlags.Raid6, "raid6", 3, 0, 1, 1, 2),
    ];

    /// <summary>Stripes of a chunk on one device.</summary>
    public int StripesPerDevice => Profile == BlockGroupFlags.Dup ? 2 : 1;

    /// <summary>What the chunk item holds: stripes that are copies of one another in raid10, 1 elsewhere.</summary>
    public int SubStripes => Profile == BlockGroupFlags.Raid10 ? 2 : 1;

    /// <summary>Devices that may be lost without loss of data.</summary>
    public int Redundancy => Profile == BlockGroupFlags.Dup ? 0 : Copies - 1 + Parity;

    /// <summary>Whether a chunk of it may be made longer by more devices.</summary>
    public bool IsStriped => MaxDevices == 0;

    /// <param name="type">Block group flags; bits that are no profile's don't count.</param>
    public static ProfileRule For(BlockGroupFlags type) => Array.Find(s_all, rule => rule.Profile == (type & BlockGroupFlags.ProfileMask))!;

    public static ProfileRule? Find(string name) =>
        Array.Find(s_all, rule => string.Equals(rule.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Stripes that hold different data.</summary>
    public int DataStripes(int stripes) => (stripes - Parity) / Copies;
}
