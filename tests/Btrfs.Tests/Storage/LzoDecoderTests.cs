using System.Text;
using Btrfs.Interop;

namespace Btrfs.Tests.Storage;

/// <summary>Each kind of instruction by itself, written by hand from the description of the stream.</summary>
public sealed class LzoDecoderTests
{
    private static readonly byte[] s_end = [17, 0, 0];

    [Test]
    public void The_empty_stream_is_its_end_marker() => Assert.That(Decode([]), Is.Empty);

    [Test]
    public void A_first_byte_over_17_counts_literals() => Assert.That(Decode([20, .. "abc"u8]), Is.EqualTo("abc"));

    [Test]
    public void A_first_byte_over_21_counts_a_run_of_literals() => Assert.That(Decode([17 + 6, .. "abcdef"u8]), Is.EqualTo("abcdef"));

    [Test]
    public void A_run_of_literals_has_three_more_than_its_field() => Assert.That(Decode([1, .. "abcd"u8]), Is.EqualTo("abcd"));

    [Test]
    public void A_long_run_of_literals_adds_bytes_to_its_length()
    {
        string text = new('x', 3 + 15 + 255 + 7);
        Assert.That(Decode([0, 0, 7, .. Encoding.ASCII.GetBytes(text)]), Is.EqualTo(text));
    }

    [Test]
    public void Two_bytes_are_copied_from_near_after_a_few_literals() =>
        Assert.That(Decode([20, .. "abc"u8, 0b0000_1001, 0, (byte)'z']), Is.EqualTo("abcabz"));

    [Test]
    public void Three_bytes_are_copied_from_over_2048_back_after_a_run_of_literals()
    {
        string text = string.Concat(Enumerable.Range(0, 700).Select(i => $"{i:d3},"))[..2052];
        byte[] stream = [0, .. Enumerable.Repeat((byte)0, (2052 - 19) / 255), (byte)((2052 - 18) % 255), .. Encoding.ASCII.GetBytes(text), 0b0000_0100, 0];
        Assert.That(Decode(stream), Is.EqualTo($"{text}{text[2..5]}"));
    }

    [Test]
    public void Three_or_four_bytes_are_copied_from_up_to_2048_back()
    {
        Assert.That(Decode([21, .. "abcd"u8, 0b0100_1100, 0]), Is.EqualTo("abcdabc"));
        Assert.That(Decode([21, .. "abcd"u8, 0b0110_1110, 0, .. "yz"u8]), Is.EqualTo("abcdabcdyz"));
    }

    [Test]
    public void Five_to_eight_bytes_are_copied_from_up_to_2048_back()
    {
        Assert.That(Decode([21, .. "abcd"u8, 0b1000_1100, 0]), Is.EqualTo("abcdabcda"));
        Assert.That(Decode([21, .. "abcd"u8, 0b1110_0000, 0]), Is.EqualTo("abcd" + "dddddddd"));
    }

    [Test]
    public void Longer_runs_are_copied_from_up_to_16384_back()
    {
        Assert.That(Decode([21, .. "abcd"u8, 32 + 5, 3 << 2 | 1, 0, (byte)'z']), Is.EqualTo("abcdabcdabcz"));
        Assert.That(Decode([18, (byte)'a', 32, 0, 4, 0, 0]), Is.EqualTo(new string('a', 1 + 2 + 31 + 255 + 4)));
    }

    [TestCase(0, 16385)]
    [TestCase(1, 32769)]
    public void Runs_are_copied_from_far_back(int high, int distance)
    {
        Random random = new(distance);
        byte[] text = new byte[distance + 10];
        random.NextBytes(text);
        int extra = text.Length - 18;
        byte[] stream = [0, .. new byte[(extra - 1) / 255], (byte)((extra - 1) % 255 + 1), .. text, (byte)(16 | high << 3 | 2), 1 << 2, 0];
        byte[] decoded = DecodeBytes(stream);
        Assert.That(decoded.AsSpan(text.Length).SequenceEqual(text.AsSpan(10, 4)));
    }

    [Test]
    public void Decoding_stops_where_the_destination_is_full()
    {
        byte[] stream = [23, .. "abcdef"u8, .. s_end];
        byte[] four = new byte[4];
        Assert.That(LzoDecoder.Decode(stream, four, out bool overflows), Is.EqualTo(4));
        Assert.That(overflows);
        Assert.That(LzoDecoder.Decode(stream, new byte[6], out overflows), Is.EqualTo(6));
        Assert.That(overflows, Is.False);
    }

    [Test]
    public void A_copy_from_before_the_begin_is_refused() =>
        Assert.That(() => Decode([20, .. "abc"u8, 0b0100_1100, 0]), Throws.TypeOf<InvalidDataException>().With.Message.Contains("4 bytes back at 3"));

    [Test]
    public void A_stream_without_an_end_is_refused() =>
        Assert.That(() => LzoDecoder.Decode([20, .. "abc"u8], new byte[100], out _), Throws.TypeOf<InvalidDataException>());

    private static string Decode(byte[] instructions) => Encoding.ASCII.GetString(DecodeBytes(instructions));

    private static byte[] DecodeBytes(byte[] instructions)
    {
        byte[] destination = new byte[100_000];
        int written = LzoDecoder.Decode([.. instructions, .. s_end], destination, out bool overflows);
        Assert.That(overflows, Is.False);
        return destination[..written];
    }
}
