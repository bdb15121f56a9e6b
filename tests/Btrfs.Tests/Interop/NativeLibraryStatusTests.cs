using Btrfs.Interop;

namespace Btrfs.Tests.Interop;

public sealed class NativeLibraryStatusTests
{
    [Test]
    public void A_library_beside_the_program_is_used_unless_it_is_switched_off()
    {
        bool isBuilt = File.Exists(Path.Combine(AppContext.BaseDirectory, "libbtrfs_native.so"));
        bool isSwitchedOff = Environment.GetEnvironmentVariable("BTRFS_ENGINE_NATIVE") == "0";

        Assert.That(NativeLibraryStatus.IsLoaded, Is.EqualTo(isBuilt && !isSwitchedOff), NativeLibraryStatus.Reason);
    }
}
