using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>
/// Makes LZO1X streams, from the description of the stream in the kernel's documentation (staging/lzo). A greedy search: the last place that had the same four
/// bytes is the only one that is looked at. Streams decode with any LZO1X decoder; they are not the bytes that other encoders make.
/// </summary>
internal ref struct LzoEncoder
{
    private const int HashBits = 13;
    private const int MinMatch = 4;
    private const int NearDistance = 2048;
    private const int MiddleDistance = 16384;
    private const int FarDistance = 49151;
    private const int ShortMatch = 8;
    private const int EndMarkerSize = 3;

    // What lies in the lowest bits of the instruction before tells up to three literals.
    private const int MaxHiddenLiterals = 3;
    private const int MaxFirstLiterals = 238;

    private readonly ReadOnlySpan<byte> _source;
    private readonly Span<int> _table;
    private Span<byte> _destination;
    private int _written;

    /// <param name="source">All that is to be compressed; each stream takes a segment of it.</param>
    /// <param name="table">Zeroed, of <see cref="TableLength"/>. It outlives a stream: a place before the segment's begin is passed over.</param>
    public LzoEncoder(ReadOnlySpan<byte> source, Span<int> table)
    {
        Invariant.That(table.Length == TableLength);
        _source = source;
        _table = table;
    }

    public static int TableLength => 1 << HashBits;

    /// <summary>False where the stream is longer than <paramref name="destination"/>.</summary>
    public bool TryEncode(int start, int length, Span<byte> destination, out int written)
    {
        _destination = destination;
        _written = 0;
        int end = start + length;
        int literals = start;
        int at = start;
        bool fits = true;
        while (fits && at + MinMatch <= end)
        {
            uint four = MemoryMarshal.Read<uint>(_source[at..]);
            ref int place = ref _table[(int)(four * 0x9E3779B1u >> (32 - HashBits))];

            // Places count from 1, so that a zeroed table has none.
            int match = place - 1;
            place = at + 1;
            if (match < start || at - match > FarDistance || MemoryMarshal.Read<uint>(_source[match..]) != four)
            {
                // The longer nothing was found, the larger the steps: bytes that don't compress cost little.
                at += 1 + ((at - literals) >> 5);
                continue;
            }

            int matched = MinMatch + _source[(at + MinMatch)..end].CommonPrefixLength(_source[(match + MinMatch)..end]);
            fits = TryPutLiterals(literals, at, start) && TryPutMatch(at - match, matched);
            at += matched;
            literals = at;
        }

        fits = fits && TryPutLiterals(literals, end, start) && _destination.Length - _written >= EndMarkerSize;
        if (fits)
        {
            Put(17);
            Put(0);
            Put(0);
        }

        written = _written;
        return fits;
    }

    private bool TryPutLiterals(int from, int to, int start)
    {
        int count = to - from;
        if (count == 0)
            return true;

        // A length takes a byte for each 255, and one or two more.
        if (_destination.Length - _written < count + count / 255 + 2)
            return false;

        if (from == start && count <= MaxFirstLiterals)
            Put(17 + count);
        else if (from != start && count <= MaxHiddenLiterals)
            _destination[_written - 2] |= (byte)count;
        else
            PutLength(0, count - 3, 15);

        _source[from..to].CopyTo(_destination[_written..]);
        _written += count;
        return true;
    }

    private bool TryPutMatch(int distance, int length)
    {
        if (_destination.Length - _written < length / 255 + 5)
            return false;

        if (length <= ShortMatch && distance <= NearDistance)
        {
            Put((length - 1) << 5 | ((distance - 1) & 7) << 2);
            Put((distance - 1) >> 3);
        }
        else if (distance <= MiddleDistance)
        {
            PutLength(32, length - 2, 31);
            PutWord((distance - 1) << 2);
        }
        else
        {
            int beyond = distance - MiddleDistance;
            PutLength(16 | (beyond >> 14) << 3, length - 2, 7);
            PutWord((beyond & (MiddleDistance - 1)) << 2);
        }

        return true;
    }

    /// <summary>A code with a length in its low bits; where it is over their largest value they are zero, and bytes follow: each zero worth 255, the last the rest.</summary>
    private void PutLength(int code, int length, int largest)
    {
        if (length <= largest)
        {
            Put(code | length);
            return;
        }

        Put(code);
        for (length -= largest; length > 255; length -= 255)
            Put(0);

        Put(length);
    }

    private void PutWord(int word)
    {
        Put(word & 0xff);
        Put(word >> 8);
    }

    private void Put(int value) => _destination[_written++] = (byte)value;
}
