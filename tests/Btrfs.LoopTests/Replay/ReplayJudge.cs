using System.Globalization;
using System.Text.RegularExpressions;
using Btrfs.Engine;
using Btrfs.Fidelity.Kernel;
using Btrfs.LoopTests.Check;
using Btrfs.LoopTests.Reading;

namespace Btrfs.LoopTests.Replay;

/// <summary>
/// Gives one copy of an image with a log to the kernel, which replays it when it mounts it, and another to us, and compares what can be seen of both: all but the
/// order of entries, and times that the replay itself sets.
/// </summary>
internal static partial class ReplayJudge
{
    private static readonly TimeSpan s_coarseClock = TimeSpan.FromMilliseconds(30);

    /// <param name="image">Stays as it is.</param>
    /// <param name="directory">For the copies.</param>
    /// <param name="judge">Asked about what the kernel sees; what it says is wrong with that, if anything.</param>
    /// <returns>Where they differ; null where they agree.</returns>
    public static string? FindDifference(string image, string directory, Func<List<string>, string?>? judge = null)
    {
        string theirs = Path.Combine(directory, "theirs");
        string ours = Path.Combine(directory, "ours");
        SparseFile.Copy(image, theirs);
        SparseFile.Copy(image, ours);
        Thread.Sleep(s_coarseClock);
        double begin = (DateTime.UtcNow - DateTime.UnixEpoch).TotalSeconds - s_coarseClock.TotalSeconds / 2;

        List<string> seen = Mounted(theirs, directory);
        if (judge?.Invoke(seen) is { } fault)
            return fault;
        List<string> expected = Normal(seen, begin);
        using (BtrfsFileSystem inMemory = BtrfsFileSystem.Open([ours]))
        {
            if (inMemory.Info.Superblock.LogRoot.Value != 0)
                return "not replayed for reading: " + string.Join("; ", inMemory.Notices);
            if (Compare("read with its log", expected, Normal(SeenTree.OfImage(inMemory.Info), begin)) is { } difference)
                return difference;
        }

        if (!LoggedImages.HasLog(ours))
            return "reading has written the image";
        BtrfsFileSystem.Open([ours], new BtrfsOpenOptions { Writable = true }).Dispose();
        if (LoggedImages.HasLog(ours))
            return "there is still a log";
        if ((BtrfsCheck.Theirs([ours]) ?? BtrfsCheck.Theirs([theirs])) is { } unsound)
            return "btrfs check: " + unsound;
        return Compare("mounted after our replay", expected, Normal(Mounted(ours, directory), begin));
    }

    private static List<string> Mounted(string image, string directory)
    {
        using BtrfsMount mount = BtrfsMount.Open([image], Path.Combine(directory, "mount"), "noatime");
        return [.. HostTree.Walk(mount.Root).Select(entry => $"{entry.Path} {entry.Inode}")];
    }

    private static List<string> Normal(List<string> lines, double begin)
    {
        return [.. lines.Select(line => Times().Replace(line, times => "times=" + string.Join(',', times.Groups[1].Value.Split(',').Select(Normalize)))).Order(StringComparer.Ordinal)];

        string Normalize(string time) =>
            time.Length > 0 && double.Parse(time, CultureInfo.InvariantCulture) >= begin ? "now" : time;
    }

    private static string? Compare(string what, List<string> expected, List<string> found)
    {
        List<string> missing = [.. expected.Except(found)];
        List<string> surplus = [.. found.Except(expected)];
        return missing.Count + surplus.Count == 0
            ? null
            : $"{what}:\n" + string.Join('\n', [.. missing.Take(6).Select(line => "  kernel: " + line), .. surplus.Take(6).Select(line => "  ours:   " + line)]);
    }

    [GeneratedRegex("times=([0-9.,-]*)")]
    private static partial Regex Times();
}
