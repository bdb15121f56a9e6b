using Btrfs.Storage;

namespace Btrfs.Tests.Storage;

public sealed class GaloisFieldTests
{
    [Test]
    public void Products_are_those_of_shifting_and_reducing()
    {
        for (int left = 0; left < 256; left++)
        {
            for (int right = 0; right < 256; right++)
                Assert.That(GaloisField.Multiply((byte)left, (byte)right), Is.EqualTo(SlowField.Multiply((byte)left, (byte)right)), $"{left} * {right}");
        }
    }

    [Test]
    public void Every_value_but_zero_has_an_inverse()
    {
        for (int value = 1; value < 256; value++)
            Assert.That(SlowField.Multiply((byte)value, GaloisField.Inverse((byte)value)), Is.EqualTo(1), $"{value}");
    }

    // Lengths around the width of a vector, so that the tail is met too.
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(15)]
    [TestCase(33)]
    [TestCase(4096)]
    [TestCase(4103)]
    public void A_span_is_multiplied_byte_by_byte(int length)
    {
        byte[] values = new byte[length];
        new Random(length).NextBytes(values);
        foreach (byte factor in (byte[])[0, 1, 2, 0x1d, 0x80, 0xff])
        {
            byte[] product = [.. values];
            GaloisField.Multiply(product, factor);
            Assert.That(product, Is.EqualTo(values.Select(value => SlowField.Multiply(value, factor))), $"by {factor}");
        }

        byte[] doubled = [.. values];
        GaloisField.Double(doubled);
        Assert.That(doubled, Is.EqualTo(values.Select(value => SlowField.Multiply(value, 2))));

        byte[] sum = [.. values];
        GaloisField.Add(sum, doubled);
        Assert.That(sum, Is.EqualTo(values.Zip(doubled, (value, other) => (byte)(value ^ other))));
    }
}
