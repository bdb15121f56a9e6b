using Btrfs.Stream;

namespace Btrfs.Tests.Stream;

public sealed class FanOutStreamTests
{
    [Test]
    public void All_outputs_get_all_bytes_and_one_that_fails_those_before()
    {
        using MemoryStream first = new();
        using MemoryStream failing = new(new byte[10]);
        using MemoryStream last = new();
        using FanOutStream all = new(first, failing, last);
        for (byte i = 0; i < 5; i++)
            all.Write([i, i, i]);
        all.Flush();

        Assert.That(first.ToArray(), Is.EqualTo(new byte[] { 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4 }));
        Assert.That(last.ToArray(), Is.EqualTo(first.ToArray()));
        Assert.That(failing.ToArray()[..9], Is.EqualTo(first.ToArray()[..9]));
        Assert.That(all.Failures, Is.EqualTo(new[] { null, all.Failures[1], null }));
        Assert.That(all.Failures[1], Is.TypeOf<NotSupportedException>());
    }

    [Test]
    public void When_none_is_left_the_write_fails()
    {
        using FanOutStream all = new(new MemoryStream(new byte[2]), new MemoryStream(new byte[4]));
        all.Write([1, 2, 3]);
        Assert.That(() => all.Write([4, 5]), Throws.TypeOf<IOException>().With.Message.StartsWith("none of 2 outputs is left: "));
    }
}
