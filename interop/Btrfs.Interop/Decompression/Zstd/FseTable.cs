using System.Numerics;

namespace Btrfs.Interop.Zstd;

/// <summary>A decoding table of finite state entropy: each state gives a symbol, and how to come to the next state.</summary>
internal sealed class FseTable(int accuracyLogMax)
{
    // The low-probability mark of a distribution: less than one state's worth, but one state all the same.
    private const short LessThanOne = -1;

    private readonly Entry[] _entries = new Entry[1 << accuracyLogMax];

    /// <summary>States are numbers of this many bits.</summary>
    internal int AccuracyLog { get; private set; }

    /// <summary>Whether the table was ever set: a block may ask for its predecessor's.</summary>
    internal bool IsSet { get; private set; }

    internal byte Symbol(uint state) => _entries[state].Symbol;

    internal uint Next(uint state, ref BackwardBits bits)
    {
        Entry entry = _entries[state];
        return entry.Baseline + bits.Read(entry.Bits);
    }

    /// <summary>A new frame starts without tables.</summary>
    internal void Forget() => IsSet = false;

    /// <summary>A table of the single state 0, which always gives one symbol and reads nothing.</summary>
    internal void SetSingle(byte symbol)
    {
        _entries[0] = new Entry(symbol, 0, 0);
        AccuracyLog = 0;
        IsSet = true;
    }

    /// <summary>Takes a described distribution off the front of the source and builds its table.</summary>
    internal void SetDescribed(ref ReadOnlySpan<byte> source, int symbolMax)
    {
        Span<short> distribution = stackalloc short[256];
        int position = 0;
        int log = (int)ReadForward(source, ref position, 4) + 5;
        if (log > accuracyLogMax)
        {
            throw ZstdManaged.Corrupt();
        }

        int remaining = 1 << log;
        int symbols = 0;
        while (remaining > 0)
        {
            if (symbols > symbolMax)
            {
                throw ZstdManaged.Corrupt();
            }

            short probability = ReadProbability(source, ref position, remaining);
            distribution[symbols++] = probability;
            remaining -= Math.Abs(probability);
            if (probability != 0)
            {
                continue;
            }

            // After a zero, two-bit counts of further zeroes; a 3 says that another count follows.
            uint zeroes;
            do
            {
                zeroes = ReadForward(source, ref position, 2);
                symbols += (int)zeroes;
                if (symbols > symbolMax)
                {
                    throw ZstdManaged.Corrupt();
                }
            }
            while (zeroes == 3);
        }

        _ = ZstdManaged.Take(ref source, (position + 7) / 8);
        Set(distribution[..symbols], log);
    }

    /// <summary>Builds the table of a distribution whose probabilities add up to 2^<paramref name="accuracyLog"/>.</summary>
    internal void Set(ReadOnlySpan<short> distribution, int accuracyLog)
    {
        int size = 1 << accuracyLog;
        Span<ushort> next = stackalloc ushort[distribution.Length];
        int high = size;
        for (int symbol = 0; symbol < distribution.Length; symbol++)
        {
            next[symbol] = (ushort)Math.Abs(distribution[symbol]);
            if (distribution[symbol] == LessThanOne)
            {
                _entries[--high].Symbol = (byte)symbol;
            }
        }

        // The other symbols are strewn over the states below `high` by a stride that visits each once.
        int stride = (size >> 1) + (size >> 3) + 3;
        int at = 0;
        for (int symbol = 0; symbol < distribution.Length; symbol++)
        {
            for (int i = 0; i < distribution[symbol]; i++)
            {
                _entries[at].Symbol = (byte)symbol;
                do
                {
                    at = (at + stride) & (size - 1);
                }
                while (at >= high);
            }
        }

        for (int state = 0; state < size; state++)
        {
            byte symbol = _entries[state].Symbol;
            uint order = next[symbol]++;
            int bits = accuracyLog - BitOperations.Log2(order);
            _entries[state] = new Entry(symbol, (byte)bits, (ushort)((order << bits) - size));
        }

        AccuracyLog = accuracyLog;
        IsSet = true;
    }

    // A value below `remaining` + 2 in as few bits as that allows: the small ones take one bit less.
    private static short ReadProbability(ReadOnlySpan<byte> source, ref int position, int remaining)
    {
        int bits = BitOperations.Log2((uint)remaining + 1) + 1;
        int value = (int)PeekForward(source, position, bits);
        int lowMask = (1 << (bits - 1)) - 1;
        int shortValues = (1 << bits) - 1 - (remaining + 1);
        if ((value & lowMask) < shortValues)
        {
            position += bits - 1;
            value &= lowMask;
        }
        else
        {
            position += bits;
            value = value > lowMask ? value - shortValues : value;
        }

        return position <= source.Length * 8 ? (short)(value - 1) : throw ZstdManaged.Corrupt();
    }

    private static uint ReadForward(ReadOnlySpan<byte> source, ref int position, int count)
    {
        uint value = PeekForward(source, position, count);
        position += count;
        return position <= source.Length * 8 ? value : throw ZstdManaged.Corrupt();
    }

    private static uint PeekForward(ReadOnlySpan<byte> source, int position, int count)
    {
        uint value = 0;
        for (int i = 0; i < count && position + i < source.Length * 8; i++)
        {
            value |= ((uint)source[(position + i) >> 3] >> ((position + i) & 7) & 1) << i;
        }

        return value;
    }

    private record struct Entry(byte Symbol, byte Bits, ushort Baseline);
}
