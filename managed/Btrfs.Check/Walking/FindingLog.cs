using Btrfs.Format;

namespace Btrfs.Check.Walking;

/// <summary>Gathers findings, of which only the first are kept.</summary>
internal sealed class FindingLog(int limit)
{
    private readonly List<Finding> _findings = [];

    public IReadOnlyList<Finding> Findings => _findings;

    public long Count { get; private set; }

    public void Add(FindingKind kind, ulong tree, Key? key, string message)
    {
        Count++;
        if (_findings.Count < limit)
            _findings.Add(new Finding(kind, tree, key, message));
    }
}
