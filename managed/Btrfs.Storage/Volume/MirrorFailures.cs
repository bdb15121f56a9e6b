namespace Btrfs.Storage;

/// <summary>What each mirror that was tried had instead of the wanted bytes, for one message. A damaged chunk may name thousands.</summary>
internal sealed class MirrorFailures
{
    private const int MaxNamed = 8;
    private readonly List<string> _named = [];
    private int _count;

    public void Add(int mirror, string what)
    {
        _count++;
        if (_named.Count < MaxNamed)
            _named.Add($"mirror {mirror}: {what}");
    }

    public override string ToString() =>
        string.Join("; ", _named) + (_count > _named.Count ? $"; and {_count - _named.Count} more" : "");
}
