using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Btrfs.Engine.Diagnostics;

/// <summary>
/// What all file systems of the process count together, under the meter <see cref="Name"/>: <c>btrfs.send.streams</c>, <c>btrfs.send.bytes</c>, <c>btrfs.send.flush.duration</c>,
/// <c>btrfs.commits</c>, <c>btrfs.commit.duration</c>, <c>btrfs.failures</c>, <c>btrfs.delalloc.bytes</c>, <c>btrfs.writeback.bytes</c> and <c>btrfs.repairs</c>. Durations are in seconds.
/// </summary>
public static class BtrfsMeter
{
    /// <summary>The meter's name.</summary>
    public const string Name = "Btrfs.Engine";

    private static readonly Meter s_meter = new(Name);
    private static readonly ConcurrentDictionary<BtrfsFileSystem, byte> s_open = new();
    private static long s_repairsOfClosed;
    private static long s_writtenBackOfClosed;

    internal static Counter<long> Streams { get; } = s_meter.CreateCounter<long>("btrfs.send.streams", "{stream}", "Streams that were sent to their end.");

    internal static Counter<long> StreamBytes { get; } = s_meter.CreateCounter<long>("btrfs.send.bytes", "By", "Bytes of streams that were sent to their end.");

    internal static Histogram<double> FlushDuration { get; } =
        s_meter.CreateHistogram<double>("btrfs.send.flush.duration", "s", "From the begin of a send to its walk: delalloc written back, a commit if one is needed.");

    internal static Counter<long> Commits { get; } = s_meter.CreateCounter<long>("btrfs.commits", "{commit}", "Transactions that were made durable.");

    internal static Histogram<double> CommitDuration { get; } = s_meter.CreateHistogram<double>("btrfs.commit.duration", "s", "How long commits took.");

    internal static Counter<long> Failures { get; } =
        s_meter.CreateCounter<long>("btrfs.failures", "{file system}", "File systems that take no more changes since something failed.");

    // Made with the class, and kept by the meter.
    internal static ObservableUpDownCounter<long> DelallocBytes { get; } = s_meter.CreateObservableUpDownCounter(
        "btrfs.delalloc.bytes", static () => s_open.Keys.Sum(static fs => fs.DelallocBytes), "By", "Bytes written to files that are in memory only.");

    internal static ObservableCounter<long> WrittenBackBytes { get; } = s_meter.CreateObservableCounter(
        "btrfs.writeback.bytes", static () => Interlocked.Read(ref s_writtenBackOfClosed) + s_open.Keys.Sum(static fs => fs.WrittenBackBytes), "By",
        "Bytes of files that left memory for the trees: whole sectors, before compression.");

    internal static ObservableCounter<long> Repairs { get; } = s_meter.CreateObservableCounter(
        "btrfs.repairs", static () => Interlocked.Read(ref s_repairsOfClosed) + s_open.Keys.Sum(static fs => fs.Repairs), "{repair}",
        "Tree blocks and data that one copy had wrong, and another, or parity, right.");

    internal static void Opened(BtrfsFileSystem fs) => s_open.TryAdd(fs, 0);

    /// <summary>To be called before the devices are closed.</summary>
    internal static void Closed(BtrfsFileSystem fs)
    {
        if (!s_open.TryRemove(fs, out _))
            return;
        Interlocked.Add(ref s_repairsOfClosed, fs.Repairs);
        Interlocked.Add(ref s_writtenBackOfClosed, fs.WrittenBackBytes);
    }
}
