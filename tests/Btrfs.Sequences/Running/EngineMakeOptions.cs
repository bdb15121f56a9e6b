using System.Globalization;
using Btrfs.Space.Making;

namespace Btrfs.Sequences.Running;

/// <summary>What our mkfs is told, out of the arguments that mkfs.btrfs would get.</summary>
internal static class EngineMakeOptions
{
    public static MakeOptions Parse(IReadOnlyList<string> arguments)
    {
        MakeOptions options = new();
        for (int i = 0; i < arguments.Count; i++)
        {
            options = arguments[i] switch
            {
                "-M" => options with { Features = options.Features | MakeFeatures.MixedGroups },
                "-n" => options with { NodeSize = int.Parse(arguments[++i], CultureInfo.InvariantCulture) },
                "-d" => options with { DataProfile = MakeOptions.ParseProfile(arguments[++i]) },
                "-m" => options with { MetadataProfile = MakeOptions.ParseProfile(arguments[++i]) },
                "-O" or "-R" => options with { Features = MakeFeatureNames.Apply(options.Features, arguments[++i]) },
                "--csum" => options with { Checksum = MakeOptions.ParseChecksum(arguments[++i]) },
                _ => throw new ArgumentException($"'{arguments[i]}' is no argument that both know"),
            };
        }

        return options;
    }
}
