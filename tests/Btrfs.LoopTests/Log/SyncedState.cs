using System.Text.RegularExpressions;
using Btrfs.Ctree;
using Btrfs.LoopTests.Reading;

namespace Btrfs.LoopTests.Log;

/// <summary>
/// What fsyncs have promised since the last commit: of each path that was synced, how it looked then. What has changed since may come back changed or not; the
/// rest must come back just so.
/// </summary>
internal sealed partial class SyncedState
{
    private readonly Dictionary<string, string> _promised = [];

    /// <summary>All that is durable is so by a commit.</summary>
    public void Clear() => _promised.Clear();

    /// <summary>A path was synced.</summary>
    /// <param name="path">With a leading slash.</param>
    /// <param name="now">The running state.</param>
    public void Add(string path, FsInfo now)
    {
        if (Describe(SeenTree.OfImage(now)).TryGetValue(path, out string? line))
            _promised[path] = line;
    }

    /// <summary>What must be found by path if the power goes now.</summary>
    public Dictionary<string, string> Expect(FsInfo now)
    {
        Dictionary<string, string> current = Describe(SeenTree.OfImage(now));
        return _promised.Where(pair => current.GetValueOrDefault(pair.Key) == pair.Value).ToDictionary();
    }

    /// <summary>Where a tree is not as it must be; null where it is.</summary>
    public static string? FindBroken(Dictionary<string, string> expected, List<string> found)
    {
        Dictionary<string, string> lines = Describe(found);
        foreach ((string path, string line) in expected)
        {
            string actual = lines.GetValueOrDefault(path, "missing");
            if (actual != line)
                return $"synced and not there:\n  synced: {line}\n  found:  {actual}";
        }

        return null;
    }

    // A directory with what is in it. Its times are those of changes to it, which a replay makes anew.
    private static Dictionary<string, string> Describe(List<string> lines)
    {
        Dictionary<string, string> byPath = [];
        Dictionary<string, List<string>> children = [];
        foreach (string line in lines)
        {
            Match match = Line().Match(line);
            string path = match.Groups["path"].Value;
            bool isDirectory = match.Groups["mode"].Value.StartsWith('4') && match.Groups["mode"].Length == 5;
            byPath[path] = isDirectory ? Times().Replace(line, "") : line;
            int slash = path.LastIndexOf('/');
            if (!children.TryGetValue(path[..slash], out List<string>? list))
                children[path[..slash]] = list = [];
            list.Add($"{path[(slash + 1)..]}={match.Groups["inode"].Value}");
            if (isDirectory && !children.ContainsKey(path))
                children[path] = [];
        }

        foreach ((string path, List<string> names) in children)
        {
            if (byPath.TryGetValue(path, out string? line))
                byPath[path] = $"{line} entries={string.Join('|', names.Order(StringComparer.Ordinal))}";
        }

        return byPath;
    }

    [GeneratedRegex("^(?<path>.*) inode=(?<inode>[0-9]+) mode=(?<mode>[0-7]+) ", RegexOptions.Singleline)]
    private static partial Regex Line();

    [GeneratedRegex("times=[0-9.,-]*")]
    private static partial Regex Times();
}
