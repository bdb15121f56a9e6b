using System.Globalization;

namespace Btrfs.Tests;

/// <summary>
/// The seed of a random test, printed by each. BTRFS_SEED sets it, and <c>BTRFS_SEED=new</c> makes one up. If it is not set it is always the
/// same, so that a commit passes or fails whatever the time is; looking for what no one thought of is what the campaigns are for.
/// </summary>
internal static class TestSeed
{
    private const int Usual = 1;

    public static int Number()
    {
        int seed = Environment.GetEnvironmentVariable("BTRFS_SEED") switch
        {
            null or "" => Usual,
            "new" => System.Random.Shared.Next(1 << 24),
            string given => int.Parse(given, CultureInfo.InvariantCulture),
        };
        TestContext.Out.WriteLine($"BTRFS_SEED={seed}");
        return seed;
    }

    public static Random Random() => new(Number());
}
