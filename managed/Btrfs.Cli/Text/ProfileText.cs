using Btrfs.Format;

namespace Btrfs.Cli.Text;

/// <summary>What a block group holds and how it is spread, in the words of btrfs-progs.</summary>
internal static class ProfileText
{
    public static string TypeName(BlockGroupFlags flags) => (flags & BlockGroupFlags.TypeMask) switch
    {
        BlockGroupFlags.Data => "Data",
        BlockGroupFlags.System => "System",
        BlockGroupFlags.Metadata => "Metadata",
        BlockGroupFlags.Data | BlockGroupFlags.Metadata => "Data+Metadata",
        _ => "unknown",
    };

    public static string ProfileName(BlockGroupFlags flags) => (flags & BlockGroupFlags.ProfileMask) switch
    {
        BlockGroupFlags.None => "single",
        BlockGroupFlags.Dup => "DUP",
        BlockGroupFlags.Raid0 => "RAID0",
        BlockGroupFlags.Raid1 => "RAID1",
        BlockGroupFlags.Raid1C3 => "RAID1C3",
        BlockGroupFlags.Raid1C4 => "RAID1C4",
        BlockGroupFlags.Raid10 => "RAID10",
        BlockGroupFlags.Raid5 => "RAID5",
        BlockGroupFlags.Raid6 => "RAID6",
        _ => "unknown",
    };
}
