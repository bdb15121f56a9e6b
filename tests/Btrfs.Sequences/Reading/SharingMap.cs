using System.Globalization;
using System.Text;

namespace Btrfs.Sequences.Reading;

/// <summary>
/// Tells for each block of each file whether it is a hole, preallocated, or data, and if the same place on the disk was met before, where: so that
/// the texts of two file systems are equal where they share the same blocks, wherever those lie.
/// </summary>
internal sealed class SharingMap
{
    private readonly Dictionary<(ulong Extent, ulong Block), (int File, ulong Block)> _first = [];
    private readonly StringBuilder _text = new();
    private int _file;
    private char _kind;
    private ulong _start;
    private ulong _next;
    private (int File, ulong Block) _origin;

    /// <summary>Begins the next file.</summary>
    public void BeginFile()
    {
        _file++;
        _text.Clear();
        _kind = '\0';
    }

    /// <summary>Adds one block: file offset and place in blocks.</summary>
    public void Add(ulong block, char kind, (ulong Extent, ulong Block)? place)
    {
        (int File, ulong Block) own = (_file, block);
        (int File, ulong Block) origin = own;
        if (place is { } where && !_first.TryAdd(where, own))
            origin = _first[where];

        bool continues = _kind == kind && _next == block
            && (_origin.File == origin.File && _origin.Block + (block - _start) == origin.Block);
        if (!continues)
        {
            EndRun();
            _kind = kind;
            _start = block;
            _origin = origin;
        }

        _next = block + 1;
    }

    public string EndFile()
    {
        EndRun();
        return _text.ToString();
    }

    private void EndRun()
    {
        if (_kind == '\0')
            return;
        _text.Append(CultureInfo.InvariantCulture, $" {_kind}{_start}-{_next - 1}");
        if (_origin != (_file, _start))
            _text.Append(CultureInfo.InvariantCulture, $"=file{_origin.File}@{_origin.Block}");
    }
}
