using Btrfs.Interop;

namespace Btrfs.Tests.Interop;

/// <summary>What the differential tests share: the seed, and the condition that there are two sides to compare.</summary>
internal static class InteropTest
{
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
