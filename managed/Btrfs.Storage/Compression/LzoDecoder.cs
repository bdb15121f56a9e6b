using System.Buffers.Binary;

namespace Btrfs.Storage;

/// <summary>
/// Decodes one LZO1X stream. Written from the description of the stream in the kernel's documentation (staging/lzo).
/// <para>
/// An instruction copies a run out of what was decoded before, then 0 to 3 literals whose number hides in its lowest bits; or it is a run of
/// literals. What a byte below 16 means depends on how many literals the instruction before it copied.
/// </para>
/// </summary>
internal static class LzoDecoder
{
    private const int AfterMatch = 0;
    private const int AfterLiteralRun = 4;
    private const int FarDistance = 16384;

    /// <summary>Returns the bytes written.</summary>
    /// <param name="source">The whole stream, its end marker included.</param>
    /// <param name="destination">Decoding stops where it is full.</param>
    /// <param name="overflows">Whether the stream has more than fits.</param>
    /// <exception cref="InvalidDataException">The stream is corrupt or cut off.</exception>
    public static int Decode(ReadOnlySpan<byte> source, Span<byte> destination, out bool overflows)
    {
        Cursor cursor = new(source, destination);
        overflows = !cursor.Run();
        return cursor.Written;
    }

    private ref struct Cursor(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        private readonly ReadOnlySpan<byte> _source = source;
        private readonly Span<byte> _destination = destination;
        private int _read;

        // How many literals the instruction before copied: 0 to 3, or 4 for a run of them.
        private int _state = AfterMatch;

        public int Written { get; private set; }

        /// <summary>False if the destination was full before the stream's end.</summary>
        public bool Run()
        {
            if (!_source.IsEmpty && _source[0] > 17 && !FirstLiterals())
                return false;

            while (true)
            {
                int code = NextByte();
                int length;
                int distance;
                if (code >= 64)
                {
                    length = code >= 128 ? 5 + ((code >> 5) & 3) : 3 + ((code >> 5) & 1);
                    distance = (NextByte() << 3) + ((code >> 2) & 7) + 1;
                }
                else if (code >= 32)
                {
                    length = 2 + Length(code & 31, 31);
                    int low = NextWord();
                    distance = (low >> 2) + 1;
                    code = low;
                }
                else if (code >= 16)
                {
                    length = 2 + Length(code & 7, 7);
                    int high = (code & 8) << 11;
                    int low = NextWord();
                    distance = FarDistance + high + (low >> 2);
                    code = low;
                    if (distance == FarDistance)
                        return AtEnd(length);
                }
                else if (_state == AfterMatch)
                {
                    _state = AfterLiteralRun;
                    if (!Literals(3 + Length(code, 15)))
                        return false;
                    continue;
                }
                else
                {
                    length = _state == AfterLiteralRun ? 3 : 2;
                    distance = (NextByte() << 2) + (code >> 2) + (_state == AfterLiteralRun ? 2049 : 1);
                }

                _state = code & 3;
                if (!Match(distance, length) || !Literals(_state))
                    return false;
            }
        }

        /// <summary>The first byte alone can be a number of literals, with 17 added.</summary>
        private bool FirstLiterals()
        {
            int length = NextByte() - 17;
            _state = Math.Min(length, AfterLiteralRun);
            return Literals(length);
        }

        private readonly bool AtEnd(int length)
        {
            if (length != 3 || _read != _source.Length)
                throw new InvalidDataException($"the end marker stands at {_read} of {_source.Length} bytes");

            return true;
        }

        /// <summary>A length field: where its bits are zero, the largest value plus following bytes, each zero among them worth 255.</summary>
        private int Length(int bits, int largest)
        {
            if (bits != 0)
                return bits;

            // The source is bounded, and so is the sum: at most 255 for each of its bytes.
            int length = largest;
            while (true)
            {
                int next = NextByte();
                if (next != 0)
                    return length + next;
                length += 255;
            }
        }

        private bool Literals(int length)
        {
            if (length > _source.Length - _read)
                throw new InvalidDataException($"{length} literals at {_read} reach behind the end at {_source.Length}");

            int fitting = Math.Min(length, _destination.Length - Written);
            _source.Slice(_read, fitting).CopyTo(_destination[Written..]);
            _read += fitting;
            Written += fitting;
            return fitting == length;
        }

        private bool Match(int distance, int length)
        {
            if (distance > Written)
                throw new InvalidDataException($"a copy from {distance} bytes back at {Written}");

            int fitting = Math.Min(length, _destination.Length - Written);
            Span<byte> target = _destination.Slice(Written, fitting);
            if (distance >= fitting)
            {
                _destination.Slice(Written - distance, fitting).CopyTo(target);
            }
            else if (distance == 1)
            {
                target.Fill(_destination[Written - 1]);
            }
            else
            {
                // The run overlaps what it makes: byte by byte the pattern repeats itself.
                for (int i = 0; i < target.Length; i++)
                    target[i] = _destination[Written - distance + i];
            }

            Written += fitting;
            return fitting == length;
        }

        private int NextByte()
        {
            if (_read >= _source.Length)
                throw new InvalidDataException($"the stream is cut off at {_read} bytes");

            return _source[_read++];
        }

        private int NextWord()
        {
            if (_source.Length - _read < sizeof(ushort))
                throw new InvalidDataException($"the stream is cut off at {_source.Length} bytes");

            int word = BinaryPrimitives.ReadUInt16LittleEndian(_source[_read..]);
            _read += sizeof(ushort);
            return word;
        }
    }
}
