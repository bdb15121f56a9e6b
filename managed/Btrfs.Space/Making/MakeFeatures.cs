using Btrfs.Format;

namespace Btrfs.Space.Making;

/// <summary>What a new file system is to have, as the options <c>-O</c> and <c>-R</c> of mkfs name it.</summary>
[Flags]
public enum MakeFeatures
{
    None = 0,
    MixedGroups = 1 << 0,
    ExtendedIref = 1 << 1,
    Raid56 = 1 << 2,
    SkinnyMetadata = 1 << 3,
    NoHoles = 1 << 4,
    Raid1C34 = 1 << 5,
    FreeSpaceTree = 1 << 6,
    BlockGroupTree = 1 << 7,
    Quota = 1 << 8,
    SimpleQuota = 1 << 9,

    /// <summary>What btrfs-progs 5.15 and later make.</summary>
    Default = ExtendedIref | SkinnyMetadata | NoHoles | FreeSpaceTree,
}

/// <summary>One feature by its name.</summary>
public readonly record struct NamedFeature(MakeFeatures Feature, string Name, string Description);

public static class MakeFeatureNames
{
    /// <summary>All features, in the order in which a list shows them.</summary>
    public static IReadOnlyList<NamedFeature> All { get; } =
    [
        new(MakeFeatures.MixedGroups, "mixed-bg", "mixed data and metadata block groups"),
        new(MakeFeatures.ExtendedIref, "extref", "increased hardlink limit per file to 65536"),
        new(MakeFeatures.Raid56, "raid56", "raid56 extended format"),
        new(MakeFeatures.SkinnyMetadata, "skinny-metadata", "reduced-size metadata extent refs"),
        new(MakeFeatures.NoHoles, "no-holes", "no explicit hole extents for files"),
        new(MakeFeatures.Raid1C34, "raid1c34", "RAID1 with 3 or 4 copies"),
        new(MakeFeatures.FreeSpaceTree, "free-space-tree", "free space tree (space_cache=v2)"),
        new(MakeFeatures.BlockGroupTree, "block-group-tree", "block group tree, more efficient block group tracking"),
        new(MakeFeatures.Quota, "quota", "quota support (qgroups)"),
        new(MakeFeatures.SimpleQuota, "squota", "squota support (simple accounting qgroups)"),
    ];

    /// <summary>Switches the features of a comma-separated list on, or off where a name begins with '^'.</summary>
    /// <exception cref="InvalidRequestException">A name is none of a feature.</exception>
    public static MakeFeatures Apply(MakeFeatures features, string list)
    {
        foreach (string entry in list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            bool isOff = entry[0] == '^';
            string name = isOff ? entry[1..] : entry;
            NamedFeature found = All.FirstOrDefault(known => known.Name == name);
            if (found.Name is null)
                throw new InvalidRequestException($"unknown file-system feature '{entry}'");

            features = isOff ? features & ~found.Feature : features | found.Feature;
        }

        return features;
    }

    /// <summary>The names of a set, in the order of <see cref="All"/>.</summary>
    public static IEnumerable<string> Of(MakeFeatures features) =>
        All.Where(known => (features & known.Feature) != 0).Select(known => known.Name);
}
