using Btrfs.Interop;

namespace Btrfs.Tests.Interop;

/// <summary>What the differential tests share: the seed, and the condition that there are two sides to compare.</summary>
internal static class InteropTest
{
    /// <summary>A source of random numbers whose seed is printed, and taken from BTRFS_SEED when that is set.</summary>
    internal static Random NewRandom()
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("BTRFS_SEED"), out int given) ? given : Random.Shared.Next();
        TestContext.Out.WriteLine($"BTRFS_SEED={seed}");
        return new Random(seed);
    }

    internal static byte[] RandomBytes(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    internal static void RequireNative()
    {
        if (!NativeLibraryStatus.IsLoaded)
        {
            Assert.Ignore($"nothing to compare the twins with: {NativeLibraryStatus.Reason}");
        }
    }
}
