using System.Diagnostics.CodeAnalysis;

namespace Btrfs.Space.Backrefs;

/// <summary>
/// A map of bounded size that forgets what was used longest ago. Looking up counts as use. The kernel keeps its send caches this way, and some
/// of them can be seen from outside: which clone source is found first depends on what is still cached.
/// </summary>
public sealed class LruCache<TKey, TValue>(int capacity)
    where TKey : notnull
{
    private readonly Dictionary<TKey, LinkedListNode<(TKey Key, TValue Value)>> _nodes = [];
    private readonly LinkedList<(TKey Key, TValue Value)> _order = new();

    public int Count => _nodes.Count;

    /// <summary>Entries from the one used last to the one used longest ago.</summary>
    public IEnumerable<(TKey Key, TValue Value)> NewestFirst
    {
        get
        {
            for (LinkedListNode<(TKey Key, TValue Value)>? node = _order.Last; node is not null; node = node.Previous)
                yield return node.Value;
        }
    }

    public bool TryGet(TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (!_nodes.TryGetValue(key, out LinkedListNode<(TKey Key, TValue Value)>? node))
        {
            value = default;
            return false;
        }

        if (node.Next is not null)
        {
            _order.Remove(node);
            _order.AddLast(node);
        }

        value = node.Value.Value;
        return true;
    }

    /// <summary>Adds what is not there yet, and drops the oldest entry if that makes one too many. False when the key is there.</summary>
    public bool TryAdd(TKey key, TValue value)
    {
        if (_nodes.ContainsKey(key))
            return false;

        if (_nodes.Count == capacity)
            RemoveOldest();
        _nodes.Add(key, _order.AddLast((key, value)));
        return true;
    }

    public bool Remove(TKey key)
    {
        if (!_nodes.Remove(key, out LinkedListNode<(TKey Key, TValue Value)>? node))
            return false;

        _order.Remove(node);
        return true;
    }

    public (TKey Key, TValue Value) PeekOldest() => _order.First!.Value;

    private void RemoveOldest()
    {
        (TKey key, _) = _order.First!.Value;
        Remove(key);
    }
}
