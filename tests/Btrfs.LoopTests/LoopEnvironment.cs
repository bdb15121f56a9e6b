using Btrfs.Fidelity.Kernel;

namespace Btrfs.LoopTests;

/// <summary>Tells whether this machine lets us make and mount btrfs images; where not, tests say why they are skipped.</summary>
[SetUpFixture]
internal sealed class LoopEnvironment
{
    [OneTimeSetUp]
    public void SkipEverythingWhereTheKernelCannotHelp()
    {
        if (Libc.Geteuid() != 0)
            Assert.Ignore("loop tests need root");
        if (!File.ReadLines("/proc/filesystems").Any(line => line.EndsWith("\tbtrfs", StringComparison.Ordinal)))
            Assert.Ignore("this kernel has no btrfs");
        if (!File.Exists("/dev/loop-control"))
            Assert.Ignore("this machine has no loop devices");
    }
}
