using Btrfs.Format;

namespace Btrfs.Tests.Format.Building;

internal static class GateAssert
{
    /// <summary>A case for a table of broken items: the test's name, the reason that the message must give, and the leaf's items.</summary>
    public static TestCaseData Case(string sentence, string reason, params TestItem[] items) =>
        new TestCaseData(items, reason).SetArgDisplayNames(sentence);

    public static TestCaseData Good(string sentence, params TestItem[] items) => new TestCaseData((object)items).SetArgDisplayNames(sentence);

    public static void Refuses(BlockBuilder builder, byte[] block, string reason)
    {
        CorruptMetadataException? refusal = Assert.Throws<CorruptMetadataException>(() => builder.Verify(block));
        Assert.That(refusal!.Message, Does.Contain(reason));
        Assert.That(refusal.Bytenr.Value, Is.EqualTo(BlockBuilder.Bytenr));
        Assert.That(refusal.Root, Is.EqualTo(builder.Owner));
    }
}
