using System.Globalization;

namespace Btrfs.Tests.Storage;

/// <summary>The seed of a random test: BTRFS_SEED, or a new one; printed in any case.</summary>
internal static class TestSeed
{
    public static Random Random()
    {
        int seed = Environment.GetEnvironmentVariable("BTRFS_SEED") is { Length: > 0 } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : System.Random.Shared.Next();
        TestContext.Out.WriteLine($"BTRFS_SEED={seed}");
        return new Random(seed);
    }
}
