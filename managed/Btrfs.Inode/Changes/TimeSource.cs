using Btrfs.Format;

namespace Btrfs.Inode.Changes;

internal static class TimeSource
{
    private const long NanosecondsPerTick = 100;

    public static DiskTime Now()
    {
        long ticks = DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks;
        return new DiskTime(ticks / TimeSpan.TicksPerSecond, (uint)(ticks % TimeSpan.TicksPerSecond * NanosecondsPerTick));
    }
}
