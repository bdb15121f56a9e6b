using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Btrfs.Sequences.Operations;

namespace Btrfs.Sequences.Reading;

/// <summary>All of a file system that must not differ, as lines: one for each thing of each inode, in the order of the directories.</summary>
internal sealed class TreeText
{
    // Operations set no times behind this one, and the clock shows later ones.
    private const long FirstSecondOfNow = 1_600_000_000;

    private readonly List<Line> _lines = [];
    private readonly List<string> _rootLines = [];

    /// <param name="Path">What it is about.</param>
    /// <param name="Text">All of it.</param>
    /// <param name="First">If it says that this is a further name, the first one.</param>
    /// <param name="IsStored">Whether only those can tell who have all data on the disk.</param>
    private readonly record struct Line(string Path, string Text, string? First = null, bool IsStored = false);

    public void Add(string path, string what) => _lines.Add(new Line(path, Compose(path, what)));

    /// <summary>Adds a further name of an inode.</summary>
    public void AddName(string path, string first) => _lines.Add(new Line(path, Compose(path, $"is {Operation.Show(first)}"), first));

    /// <summary>Adds what only those can tell who have all data on the disk.</summary>
    public void AddStored(string path, string what) => _lines.Add(new Line(path, Compose(path, what), IsStored: true));

    /// <summary>Adds what the root tree tells and a mount does not show.</summary>
    public void AddFromRootTree(string path, string what) => _rootLines.Add(Compose(path, what));

    /// <summary>The same without what the root tree alone tells.</summary>
    public TreeText AsMounted()
    {
        TreeText mounted = new();
        mounted._lines.AddRange(_lines);
        return mounted;
    }

    /// <summary>The same with each line replaced by another.</summary>
    public TreeText Mapped(Func<string, string> text)
    {
        TreeText mapped = new();
        mapped._lines.AddRange(_lines.Select(line => line with { Text = text(line.Text) }));
        mapped._rootLines.AddRange(_rootLines.Select(text));
        return mapped;
    }

    /// <summary>The same without what only those can tell who have all data on the disk.</summary>
    public TreeText AsBuffered()
    {
        TreeText buffered = new();
        buffered._lines.AddRange(_lines.Where(line => !line.IsStored));
        buffered._rootLines.AddRange(_rootLines);
        return buffered;
    }

    /// <summary>The same without all that is told of some inodes, whichever of their names is given, and without sharing, which reaches over files.</summary>
    public TreeText Without(IReadOnlyCollection<string> names)
    {
        HashSet<string> hidden = [.. names];
        hidden.UnionWith([.. _lines.Where(line => line.First is not null && hidden.Contains(line.Path)).Select(line => line.First!)]);
        TreeText rest = new();
        rest._lines.AddRange(_lines.Where(line => !line.IsStored && !hidden.Contains(line.Path) && (line.First is null || !hidden.Contains(line.First))));
        return rest;
    }

    public void AddXattr(string path, string name, ReadOnlySpan<byte> value) =>
        Add(path, string.Create(CultureInfo.InvariantCulture, $"xattr {Operation.Show(name)} = {value.Length} bytes {Hash(value)}"));

    public static string Time(long seconds, uint nanoseconds) =>
        seconds >= FirstSecondOfNow ? "now" : string.Create(CultureInfo.InvariantCulture, $"{seconds}.{nanoseconds:d9}");

    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes)[..8]);

    /// <summary>The first lines that differ; null if none does.</summary>
    public static string? Difference(string leftName, TreeText left, string rightName, TreeText right)
    {
        const int Shown = 6;
        HashSet<string> leftLines = [.. left.Texts, .. left._rootLines];
        HashSet<string> rightLines = [.. right.Texts, .. right._rootLines];
        List<string> onlyLeft = [.. leftLines.Where(line => !rightLines.Contains(line))];
        List<string> onlyRight = [.. rightLines.Where(line => !leftLines.Contains(line))];
        if (onlyLeft.Count + onlyRight.Count == 0)
            return left.Texts.SequenceEqual(right.Texts) ? null : FirstMisplaced(leftName, left, rightName, right);

        StringBuilder text = new();
        foreach (string line in onlyLeft.Take(Shown))
            text.Append(leftName).Append(" has ").AppendLine(line);
        foreach (string line in onlyRight.Take(Shown))
            text.Append(rightName).Append(" has ").AppendLine(line);
        return text.ToString();
    }

    private static string FirstMisplaced(string leftName, TreeText left, string rightName, TreeText right)
    {
        int at = left.Texts.Zip(right.Texts).TakeWhile(pair => pair.First == pair.Second).Count();
        return $"another order: {leftName} has {left.Texts.ElementAtOrDefault(at)}\n{rightName} has {right.Texts.ElementAtOrDefault(at)}";
    }

    private static string Compose(string path, string what) => $"/{Operation.Show(path)}: {what}";

    private IEnumerable<string> Texts => _lines.Select(line => line.Text);
}
