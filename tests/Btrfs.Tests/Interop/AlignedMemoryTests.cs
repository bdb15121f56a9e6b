using System.Buffers;
using Btrfs.Interop;

namespace Btrfs.Tests.Interop;

public sealed class AlignedMemoryTests
{
    [Test]
    public unsafe void A_buffer_starts_at_its_alignment([Values(1, 512, 4096, 65536)] int alignment, [Values(0, 1, 4096, 100_000)] int size)
    {
        Memory<byte> buffer = AlignedMemory.Allocate(size, alignment);
        using MemoryHandle pin = buffer.Pin();

        Assert.That(buffer.Length, Is.EqualTo(size));
        Assert.That((ulong)pin.Pointer % (ulong)alignment, Is.Zero);
    }

    [TestCase(0)]
    [TestCase(-4096)]
    [TestCase(3)]
    public void An_alignment_that_is_no_power_of_two_is_refused(int alignment) =>
        Assert.That(() => AlignedMemory.Allocate(1, alignment), Throws.InstanceOf<ArgumentOutOfRangeException>());
}
