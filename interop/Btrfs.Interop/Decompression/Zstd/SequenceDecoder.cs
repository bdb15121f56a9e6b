namespace Btrfs.Interop.Zstd;

/// <summary>Decodes a block's sequences (copy literals, then copy a match from what was produced before) and carries them out.</summary>
internal sealed class SequenceDecoder
{
    private const int LiteralLengthCodeMax = 35;
    private const int MatchLengthCodeMax = 52;
    private const int OffsetCodeMax = 31;

    private readonly FseTable _literalLengths = new(accuracyLogMax: 9);
    private readonly FseTable _matchLengths = new(accuracyLogMax: 9);
    private readonly FseTable _offsets = new(accuracyLogMax: 8);

    // The last three offsets, the latest first.
    private uint _recent1;
    private uint _recent2;
    private uint _recent3;

    private enum TableMode
    {
        Predefined = 0,
        Rle = 1,
        Described = 2,
        Repeated = 3,
    }

    private static ReadOnlySpan<short> LiteralLengthDefaults =>
    [
        4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
    ];

    private static ReadOnlySpan<short> MatchLengthDefaults =>
    [
        1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
        -1, -1, -1, -1, -1, -1, -1,
    ];

    private static ReadOnlySpan<short> OffsetDefaults =>
    [
        1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
    ];

    // A length is its code's base plus that many more bits.
    private static ReadOnlySpan<int> LiteralLengthBases =>
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384,
        32768, 65536,
    ];

    private static ReadOnlySpan<byte> LiteralLengthBits =>
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
    ];

    private static ReadOnlySpan<int> MatchLengthBases =>
    [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 37, 39, 41, 43, 47,
        51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539,
    ];

    private static ReadOnlySpan<byte> MatchLengthBits =>
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11,
        12, 13, 14, 15, 16,
    ];

    /// <summary>A new frame starts without tables, and with the offsets that the format gives it.</summary>
    internal void Forget()
    {
        _literalLengths.Forget();
        _matchLengths.Forget();
        _offsets.Forget();
        (_recent1, _recent2, _recent3) = (1, 4, 8);
    }

    /// <summary>Returns the new end of what is produced. A full destination ends the work quietly.</summary>
    internal int Decode(ReadOnlySpan<byte> section, ReadOnlySpan<byte> literals, Span<byte> destination, int produced, int blockMaximumBytes)
    {
        int count = ReadCount(ref section);
        if (count == 0)
        {
            return section.IsEmpty ? Append(literals, destination, produced) : throw ZstdManaged.Corrupt();
        }

        int modes = ZstdManaged.Take(ref section, 1)[0];
        SetTable(_literalLengths, (TableMode)(modes >> 6), ref section, LiteralLengthDefaults, 6, LiteralLengthCodeMax);
        SetTable(_offsets, (TableMode)((modes >> 4) & 3), ref section, OffsetDefaults, 5, OffsetCodeMax);
        SetTable(_matchLengths, (TableMode)((modes >> 2) & 3), ref section, MatchLengthDefaults, 6, MatchLengthCodeMax);

        int blockStart = produced;
        BackwardBits bits = new(section);
        uint literalState = bits.Read(_literalLengths.AccuracyLog);
        uint offsetState = bits.Read(_offsets.AccuracyLog);
        uint matchState = bits.Read(_matchLengths.AccuracyLog);
        while (true)
        {
            int offsetCode = _offsets.Symbol(offsetState);
            int matchCode = _matchLengths.Symbol(matchState);
            int literalCode = _literalLengths.Symbol(literalState);
            uint offsetValue = (1u << offsetCode) + bits.Read(offsetCode);
            int matchLength = MatchLengthBases[matchCode] + (int)bits.Read(MatchLengthBits[matchCode]);
            int literalLength = LiteralLengthBases[literalCode] + (int)bits.Read(LiteralLengthBits[literalCode]);
            uint offset = ResolveOffset(offsetValue, literalLength == 0);

            if (literalLength > literals.Length || (long)produced + literalLength + matchLength - blockStart > blockMaximumBytes)
            {
                throw ZstdManaged.Corrupt();
            }

            produced = Append(literals[..literalLength], destination, produced);
            literals = literals[literalLength..];
            produced = AppendMatch(offset, matchLength, destination, produced);
            if (produced == destination.Length)
            {
                return produced;
            }

            if (--count == 0)
            {
                break;
            }

            literalState = _literalLengths.Next(literalState, ref bits);
            matchState = _matchLengths.Next(matchState, ref bits);
            offsetState = _offsets.Next(offsetState, ref bits);
            if (bits.Left < 0)
            {
                throw ZstdManaged.Corrupt();
            }
        }

        return bits.Left == 0 && produced - blockStart + literals.Length <= blockMaximumBytes
            ? Append(literals, destination, produced)
            : throw ZstdManaged.Corrupt();
    }

    private static int ReadCount(ref ReadOnlySpan<byte> section)
    {
        int first = ZstdManaged.Take(ref section, 1)[0];
        return first switch
        {
            < 128 => first,
            < 255 => ((first - 128) << 8) + ZstdManaged.Take(ref section, 1)[0],
            _ => (int)ZstdManaged.ReadLittleEndian(ZstdManaged.Take(ref section, 2)) + 0x7F00,
        };
    }

    private static void SetTable(FseTable table, TableMode mode, ref ReadOnlySpan<byte> section, ReadOnlySpan<short> defaults, int defaultsLog, int symbolMax)
    {
        switch (mode)
        {
            case TableMode.Predefined:
                table.Set(defaults, defaultsLog);
                break;
            case TableMode.Rle:
                byte symbol = ZstdManaged.Take(ref section, 1)[0];
                table.SetSingle(symbol <= symbolMax ? symbol : throw ZstdManaged.Corrupt());
                break;
            case TableMode.Described:
                table.SetDescribed(ref section, symbolMax);
                break;
            default:
                if (!table.IsSet)
                {
                    throw ZstdManaged.Corrupt();
                }

                break;
        }
    }

    private static int Append(ReadOnlySpan<byte> literals, Span<byte> destination, int produced)
    {
        int length = Math.Min(literals.Length, destination.Length - produced);
        literals[..length].CopyTo(destination[produced..]);
        return produced + length;
    }

    private static int AppendMatch(uint offset, int length, Span<byte> destination, int produced)
    {
        length = Math.Min(length, destination.Length - produced);
        if (length == 0)
        {
            return produced;
        }

        if (offset > (uint)produced)
        {
            throw ZstdManaged.Corrupt();
        }

        // A match may reach into itself: it then repeats its first `offset` bytes, of which more are there after each copy.
        int from = produced - (int)offset;
        Span<byte> match = destination.Slice(produced, length);
        int done = Math.Min(length, (int)offset);
        destination.Slice(from, done).CopyTo(match);
        while (done < length)
        {
            int copy = Math.Min(done, length - done);
            match[..copy].CopyTo(match[done..]);
            done += copy;
        }

        return produced + length;
    }

    // Values 1 to 3 name recent offsets, shifted by one after no literals, since repeating the last one would have been one longer match.
    private uint ResolveOffset(uint value, bool isWithoutLiterals)
    {
        uint offset;
        if (value > 3)
        {
            offset = value - 3;
        }
        else
        {
            uint index = isWithoutLiterals ? value : value - 1;
            if (index == 0)
            {
                return _recent1;
            }

            offset = index switch { 1 => _recent2, 2 => _recent3, _ => _recent1 - 1 };
            if (offset == 0)
            {
                throw ZstdManaged.Corrupt();
            }

            if (index == 1)
            {
                (_recent1, _recent2) = (offset, _recent1);
                return offset;
            }
        }

        (_recent1, _recent2, _recent3) = (offset, _recent1, _recent2);
        return offset;
    }
}
