using Btrfs.Format;

namespace Btrfs.Space.Groups;

/// <summary>How a profile lays a chunk over devices.</summary>
/// <param name="DeviceStripes">Stripes on each device: 2 for dup.</param>
/// <param name="LeastDevices">Fewer can't hold it.</param>
/// <param name="MostDevices">More are not used; 0 for no limit.</param>
/// <param name="Multiple">The number of devices is a multiple of it.</param>
/// <param name="Copies">Of each byte.</param>
/// <param name="Parity">Stripes of parity.</param>
/// <param name="SubStripes">As the chunk item says it.</param>
internal readonly record struct Profile(
    int DeviceStripes, int LeastDevices, int MostDevices, int Multiple, int Copies, int Parity, int SubStripes)
{
    public static Profile Of(BlockGroupFlags flags) => (flags & BlockGroupFlags.ProfileMask) switch
    {
        BlockGroupFlags.Dup => new Profile(2, 1, 1, 1, 2, 0, 1),
        BlockGroupFlags.Raid0 => new Profile(1, 1, 0, 1, 1, 0, 1),
        BlockGroupFlags.Raid1 => new Profile(1, 2, 2, 2, 2, 0, 1),
        BlockGroupFlags.Raid1C3 => new Profile(1, 3, 3, 3, 3, 0, 1),
        BlockGroupFlags.Raid1C4 => new Profile(1, 4, 4, 4, 4, 0, 1),
        BlockGroupFlags.Raid10 => new Profile(1, 2, 0, 2, 2, 0, 2),
        BlockGroupFlags.Raid5 => new Profile(1, 2, 0, 1, 1, 1, 1),
        BlockGroupFlags.Raid6 => new Profile(1, 3, 0, 1, 1, 2, 1),
        _ => new Profile(1, 1, 1, 1, 1, 0, 1),
    };

    /// <summary>How many stripes' worth of data a chunk of <paramref name="stripes"/> stripes holds.</summary>
    public int DataStripes(int stripes) => (stripes - Parity) / Copies;
}
