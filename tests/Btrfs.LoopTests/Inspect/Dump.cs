using System.Text;
using Btrfs.Cli.Commands.Inspect;
using Btrfs.Storage;

namespace Btrfs.LoopTests.Inspect;

/// <summary>Our dumps, and their comparison with those of btrfs-progs.</summary>
internal static class Dump
{
    /// <summary>One with half an hour in it, and far from that of most machines.</summary>
    public static TimeZoneInfo Zone { get; } = TimeZoneInfo.FindSystemTimeZoneById("Asia/Kolkata");

    /// <summary>Our dump-tree.</summary>
    /// <param name="images">All devices.</param>
    /// <param name="options">What to print; everything, unless something else is asked for.</param>
    /// <param name="mayFail">Whether faults are for the caller to judge.</param>
    public static (byte[] Text, IReadOnlyList<string> Told) Tree(IReadOnlyList<string> images, TreeDumpOptions? options = null, bool mayFail = false)
    {
        List<string> told = [];
        using MemoryStream text = new();
        DeviceSet devices = DeviceSet.Open(images, DeviceOpenOptions.Default);
        int code = DumpTreeCommand.Run(devices, options ?? new TreeDumpOptions(), new DumpOutput(text, Zone), told.Add);
        if (!mayFail)
            Assert.That(code, Is.Zero, string.Join('\n', told));
        return (text.ToArray(), told);
    }

    public static byte[] Super(IReadOnlyList<string> images, SuperblockDumpOptions options)
    {
        List<string> told = [];
        using MemoryStream text = new();
        DumpSuperCommand.Run(images.Select(image => FileBlockDevice.Open(image, DeviceOpenOptions.Default)), options, new DumpOutput(text, Zone), told.Add);
        return text.ToArray();
    }

    /// <summary>Both whole dumps of a file system equal those of btrfs-progs.</summary>
    /// <returns>The text of dump-tree.</returns>
    public static string AssertEqual(params IReadOnlyList<string> images)
    {
        byte[] tree = Tree(images).Text;
        AssertSame(tree, Oracle.Inspect(["dump-tree", .. images]));
        AssertSame(Super(images, new SuperblockDumpOptions { Full = true, All = true }), Oracle.Inspect(["dump-super", "-f", "-a", .. images]));
        return Encoding.Latin1.GetString(tree);
    }

    /// <summary>That a dump has what a test is about; a dump is too long to be shown.</summary>
    public static void AssertMentions(string text, params IEnumerable<string> expected)
    {
        foreach (string item in expected)
            Assert.That(text.Contains(item, StringComparison.Ordinal), $"the dump has no '{item}'");
    }

    /// <summary>Fails with the first lines that differ.</summary>
    public static void AssertSame(byte[] ours, byte[] theirs)
    {
        if (ours.AsSpan().SequenceEqual(theirs))
            return;

        string[] have = Encoding.Latin1.GetString(ours).Split('\n');
        string[] expect = Encoding.Latin1.GetString(theirs).Split('\n');
        int line = Enumerable.Range(0, int.Max(have.Length, expect.Length)).First(i => have.ElementAtOrDefault(i) != expect.ElementAtOrDefault(i));
        string[] context = have[int.Max(0, line - 3)..line];
        Assert.Fail($"line {line + 1} of {expect.Length} differs:\n{string.Join('\n', context)}\nhave   {have.ElementAtOrDefault(line)}\nexpect {expect.ElementAtOrDefault(line)}");
    }
}
