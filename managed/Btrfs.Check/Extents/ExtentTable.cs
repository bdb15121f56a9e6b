using Btrfs.Format;

namespace Btrfs.Check.Extents;

/// <summary>
/// All extents of the extent tree by address, some forty bytes each: one array a member, so that a search touches addresses only. It is filled in order
/// and searched afterwards.
/// </summary>
internal sealed class ExtentTable
{
    private const int InitialCapacity = 1024;

    private ulong[] _bytenr = new ulong[InitialCapacity];
    private ulong[] _length = new ulong[InitialCapacity];
    private ulong[] _balance = new ulong[InitialCapacity];
    private ulong[] _generation = new ulong[InitialCapacity];
    private uint[] _refs = new uint[InitialCapacity];
    private State[] _state = new State[InitialCapacity];
    private byte[] _level = new byte[InitialCapacity];
    private int _lastFound;

    [Flags]
    private enum State : byte
    {
        TreeBlock = 1,
        FullBackref = 2,
        Visited = 4,
    }

    public int Count { get; private set; }

    public void Add(ulong bytenr, ulong length, in ExtentItem item, byte level)
    {
        if (Count == _bytenr.Length)
            Grow();

        int index = Count++;
        _bytenr[index] = bytenr;
        _length[index] = length;
        _generation[index] = item.Generation;
        _refs[index] = (uint)Math.Min(item.Refs, uint.MaxValue);
        _level[index] = level;
        _balance[index] = 0;
        _state[index] = ((item.Flags & ExtentFlags.TreeBlock) != 0 ? State.TreeBlock : 0) | ((item.Flags & ExtentFlags.FullBackref) != 0 ? State.FullBackref : 0);
    }

    public ulong Bytenr(int index) => _bytenr[index];

    public ulong Length(int index) => _length[index];

    public ulong End(int index) => _bytenr[index] + _length[index];

    public ulong Generation(int index) => _generation[index];

    public uint Refs(int index) => _refs[index];

    public int Level(int index) => _level[index];

    public bool IsTreeBlock(int index) => (_state[index] & State.TreeBlock) != 0;

    public bool HasFullBackref(int index) => (_state[index] & State.FullBackref) != 0;

    /// <summary>Back references less references, as sums of hashes: 0 where they agree.</summary>
    public ref ulong Balance(int index) => ref _balance[index];

    public bool IsVisited(int index) => (_state[index] & State.Visited) != 0;

    /// <summary>Marks a block as visited; false when it was already.</summary>
    public bool TryVisit(int index)
    {
        if ((_state[index] & State.Visited) != 0)
            return false;
        _state[index] |= State.Visited;
        return true;
    }

    public void ForgetVisits()
    {
        foreach (ref State state in _state.AsSpan(0, Count))
            state &= ~State.Visited;
    }

    /// <summary>The extent that begins at an address; -1 for none.</summary>
    public int Find(ulong bytenr)
    {
        // Who looks for one extent next looks for one nearby, most of the time.
        int near = _lastFound;
        for (int index = near; index < Math.Min(near + 2, Count); index++)
        {
            if (_bytenr[index] == bytenr)
                return _lastFound = index;
        }

        int found = _bytenr.AsSpan(0, Count).BinarySearch(bytenr);
        if (found < 0)
            return -1;
        return _lastFound = found;
    }

    /// <summary>The first extent that begins at an address or behind; <see cref="Count"/> for none.</summary>
    public int LowerBound(ulong bytenr)
    {
        int found = _bytenr.AsSpan(0, Count).BinarySearch(bytenr);
        return found < 0 ? ~found : found;
    }

    private void Grow()
    {
        int size = checked(Count * 2);
        Array.Resize(ref _bytenr, size);
        Array.Resize(ref _length, size);
        Array.Resize(ref _balance, size);
        Array.Resize(ref _generation, size);
        Array.Resize(ref _refs, size);
        Array.Resize(ref _state, size);
        Array.Resize(ref _level, size);
    }
}
