using System.Numerics;

namespace Btrfs.Interop.Zstd;

/// <summary>A Huffman decoding table for literals: the next bits of the stream, as many as the longest code has, are its index.</summary>
internal sealed class HuffmanTable
{
    private const int CodeBitsMax = 11;
    private const int WeightsMax = 255;
    private const int WeightAccuracyLogMax = 6;

    private readonly Entry[] _entries = new Entry[1 << CodeBitsMax];
    private readonly FseTable _weightTable = new(WeightAccuracyLogMax);
    private int _codeBits;

    /// <summary>Whether there is a table: a block may ask for its predecessor's.</summary>
    internal bool IsSet { get; private set; }

    /// <summary>A new frame starts without a table.</summary>
    internal void Forget() => IsSet = false;

    /// <summary>Takes a described tree off the front of the source.</summary>
    internal void SetDescribed(ref ReadOnlySpan<byte> source)
    {
        Span<byte> weights = stackalloc byte[WeightsMax + 1];
        int header = ZstdManaged.Take(ref source, 1)[0];
        int count = header < 128
            ? ReadCompressedWeights(ZstdManaged.Take(ref source, header), weights)
            : ReadPlainWeights(ref source, header - 127, weights);
        Set(weights, count);
    }

    /// <summary>Decodes one stream that holds exactly as many symbols as the output has places.</summary>
    internal void Decode(ReadOnlySpan<byte> stream, Span<byte> output)
    {
        BackwardBits bits = new(stream);
        Entry[] entries = _entries;
        int codeBits = _codeBits;
        for (int i = 0; i < output.Length; i++)
        {
            Entry entry = entries[bits.Peek(codeBits)];
            output[i] = entry.Symbol;
            bits.Skip(entry.Bits);
        }

        if (bits.Left != 0)
        {
            throw ZstdManaged.Corrupt();
        }
    }

    private static int ReadPlainWeights(ref ReadOnlySpan<byte> source, int count, scoped Span<byte> weights)
    {
        ReadOnlySpan<byte> packed = ZstdManaged.Take(ref source, (count + 1) / 2);
        for (int i = 0; i < count; i++)
        {
            weights[i] = (byte)((i & 1) == 0 ? packed[i / 2] >> 4 : packed[i / 2] & 15);
        }

        return count;
    }

    // Two states take turns on one bit stream, until it can't feed the next step; the other state then gives the last weight.
    private int ReadCompressedWeights(ReadOnlySpan<byte> source, Span<byte> weights)
    {
        _weightTable.SetDescribed(ref source, symbolMax: WeightsMax);
        BackwardBits bits = new(source);
        uint state = bits.Read(_weightTable.AccuracyLog);
        uint other = bits.Read(_weightTable.AccuracyLog);
        int count = 0;
        while (bits.Left >= 0)
        {
            if (count >= WeightsMax - 1)
            {
                throw ZstdManaged.Corrupt();
            }

            weights[count++] = _weightTable.Symbol(state);
            state = _weightTable.Next(state, ref bits);
            (state, other) = (other, state);
        }

        weights[count++] = _weightTable.Symbol(state);
        return count;
    }

    private void Set(Span<byte> weights, int count)
    {
        Span<int> ranks = stackalloc int[CodeBitsMax + 2];
        uint total = 0;
        foreach (byte weight in weights[..count])
        {
            if (weight > CodeBitsMax)
            {
                throw ZstdManaged.Corrupt();
            }

            ranks[weight]++;
            total += weight == 0 ? 0 : 1u << (weight - 1);
        }

        // The last weight is not stored: it is what fills the sum up to a power of two.
        _codeBits = total == 0 ? 0 : BitOperations.Log2(total) + 1;
        uint missing = (1u << _codeBits) - total;
        if (total == 0 || _codeBits > CodeBitsMax || !BitOperations.IsPow2(missing))
        {
            throw ZstdManaged.Corrupt();
        }

        weights[count] = (byte)(BitOperations.Log2(missing) + 1);
        ranks[weights[count]]++;
        count++;

        // The longest codes come in pairs.
        if (ranks[1] < 2 || (ranks[1] & 1) != 0)
        {
            throw ZstdManaged.Corrupt();
        }

        int at = 0;
        for (int weight = 1; weight <= _codeBits; weight++)
        {
            for (int symbol = 0; symbol < count; symbol++)
            {
                if (weights[symbol] == weight)
                {
                    int places = 1 << (weight - 1);
                    _entries.AsSpan(at, places).Fill(new Entry((byte)symbol, (byte)(_codeBits + 1 - weight)));
                    at += places;
                }
            }
        }

        IsSet = true;
    }

    private readonly record struct Entry(byte Symbol, byte Bits);
}
