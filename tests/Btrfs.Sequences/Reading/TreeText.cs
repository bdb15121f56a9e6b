using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Btrfs.Fidelity.Generator;

namespace Btrfs.Sequences.Reading;

/// <summary>All of a file system that must not differ, as lines: one for each thing of each inode, in the order of the directories.</summary>
internal sealed class TreeText
{
    // Operations set no times behind this one, and the clock shows later ones.
    private const long FirstSecondOfNow = 1_600_000_000;

    private readonly List<string> _lines = [];
    private readonly List<string> _rootLines = [];
    private readonly HashSet<int> _storedLines = [];

    public void Add(string path, string what) => _lines.Add($"/{OperationLog.Show(Encoding.Latin1.GetBytes(path))}: {what}");

    /// <summary>Adds what only those can tell who have all data on the disk.</summary>
    public void AddStored(string path, string what)
    {
        _storedLines.Add(_lines.Count);
        Add(path, what);
    }

    /// <summary>Adds what the root tree tells and a mount does not show.</summary>
    public void AddFromRootTree(string path, string what) => _rootLines.Add($"/{OperationLog.Show(Encoding.Latin1.GetBytes(path))}: {what}");

    /// <summary>The same without what the root tree alone tells.</summary>
    public TreeText AsMounted()
    {
        TreeText mounted = new();
        mounted._lines.AddRange(_lines);
        return mounted;
    }

    /// <summary>The same with each line replaced by another.</summary>
    public TreeText Mapped(Func<string, string> line)
    {
        TreeText mapped = new();
        mapped._lines.AddRange(_lines.Select(line));
        mapped._rootLines.AddRange(_rootLines.Select(line));
        return mapped;
    }

    /// <summary>The same without what only those can tell who have all data on the disk.</summary>
    public TreeText AsBuffered()
    {
        TreeText buffered = new();
        buffered._lines.AddRange(_lines.Where((_, index) => !_storedLines.Contains(index)));
        buffered._rootLines.AddRange(_rootLines);
        return buffered;
    }

    public void AddXattr(string path, string name, ReadOnlySpan<byte> value) =>
        Add(path, string.Create(CultureInfo.InvariantCulture, $"xattr {OperationLog.Show(Encoding.Latin1.GetBytes(name))} = {value.Length} bytes {Hash(value)}"));

    public static string Time(long seconds, uint nanoseconds) =>
        seconds >= FirstSecondOfNow ? "now" : string.Create(CultureInfo.InvariantCulture, $"{seconds}.{nanoseconds:d9}");

    public static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes)[..8]);

    /// <summary>The first lines that differ; null if none does.</summary>
    public static string? Difference(string leftName, TreeText left, string rightName, TreeText right)
    {
        const int Shown = 6;
        HashSet<string> leftLines = [.. left._lines, .. left._rootLines];
        HashSet<string> rightLines = [.. right._lines, .. right._rootLines];
        List<string> onlyLeft = [.. leftLines.Where(line => !rightLines.Contains(line))];
        List<string> onlyRight = [.. rightLines.Where(line => !leftLines.Contains(line))];
        if (onlyLeft.Count + onlyRight.Count == 0)
            return left._lines.SequenceEqual(right._lines) ? null : FirstMisplaced(leftName, left, rightName, right);

        StringBuilder text = new();
        foreach (string line in onlyLeft.Take(Shown))
            text.Append(leftName).Append(" has ").AppendLine(line);
        foreach (string line in onlyRight.Take(Shown))
            text.Append(rightName).Append(" has ").AppendLine(line);
        return text.ToString();
    }

    private static string FirstMisplaced(string leftName, TreeText left, string rightName, TreeText right)
    {
        int at = left._lines.Zip(right._lines).TakeWhile(pair => pair.First == pair.Second).Count();
        return $"another order: {leftName} has {left._lines.ElementAtOrDefault(at)}\n{rightName} has {right._lines.ElementAtOrDefault(at)}";
    }
}
