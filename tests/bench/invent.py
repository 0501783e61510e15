"""Help-desk documents of any size, made up from lists of words: the same in every run, no two questions alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from random import Random

from faq.entry import Entry

PER_SECTION = 120

_PLACE_NAMES = """
企业注册 账号登录 年度申报 变更申报 证照换发 隐患上报 培训考试 体检登记
检测委托 合同备案 仓库台账 车辆登记 人员档案 应急预案 演练记录 设备检验
处罚公示 信用修复 费用缴纳 发票开具 退款申请 材料补正 进度查询 电子签章
证书下载 数据导入 报表导出 消息通知 权限分配 机构管理 投诉举报 满意度评价
"""
_THING_NAMES = """
营业执照 法人姓名 联系电话 经营地址 身份证号 银行账户 验证码 登录密码
邮箱地址 附件图片 检测报告 审批意见 有效日期 行业类别 行政区划 岗位名称
员工人数 危害因素 防护用品 许可编号 储存数量 供应商 运输路线 负责人
签字页 盖章扫描件 单位公章 课程视频 考试成绩 体检结果 缴费凭证 申请单
"""
_PLACES, _THINGS = _PLACE_NAMES.split(), _THING_NAMES.split()
_TROUBLES = (
    ("填错了怎么修改", "写错了想改", "录入有误能更正吗", "输错一位怎么办", "改不了"),
    ("无法上传", "传不上去", "上传一直失败", "点上传没反应", "怎么传上去"),
    ("提示已存在", "显示重复", "说已经有了", "报重复的错", "系统里怎么已经有了"),
    ("找不到在哪里填写", "在哪儿填", "没看到填的地方", "入口在哪", "填写的位置找不着"),
    ("过期了怎么更新", "到期以后怎么换", "已经失效要换新的", "有效期过了", "超期怎么处理"),
    ("被退回是什么原因", "为什么打回来", "审核没通过", "怎么又被驳回", "退回来要改哪里"),
    ("可以删除吗", "怎么删掉", "想去掉一条", "多了一条能撤吗", "删不了怎么办"),
    ("显示空白", "打开什么都没有", "页面是白的", "内容出不来", "看不到东西"),
    ("如何打印", "怎么打出来", "打印不完整", "想要纸质的", "打印按钮在哪"),
    ("下拉框里没有对应的选项", "选不到", "没有我要的选项", "列表里找不到", "该选哪一个"),
    ("多久可以审核完", "要等几天", "什么时候能批下来", "一直在审核中", "审核要多长时间"),
    ("是否必须填写", "可以不填吗", "能空着吗", "不填行不行", "必填项怎么跳过"),
    ("由谁来负责填写", "该哪个部门填", "是我们填还是上级填", "谁填", "要不要单位管理员来填"),
    ("保存后丢失", "存完就没了", "保存了不见了", "刷新以后没了", "昨天存的找不到"),
)
_CARRIERS = (
    "{place}的{thing}{trouble}",
    "{thing}{trouble}，在{place}里",
    "{place}时{thing}{trouble}",
    "请问{place}{thing}{trouble}",
)
_CHECKS = (
    "请先确认{place}中的{thing}是否由单位管理员维护",
    "进入{place}后点击右上角的【{button}】，找到{thing}一栏",
    "{thing}以{place}最近一次提交的内容为准",
    "登录后在左侧菜单选择{place}，再选择{thing}",
    "{place}的{thing}由所在地主管部门核对，核对前可以自行处理",
)
_STEPS = (
    "修改后点击【{button}】，{days}个工作日内可以看到结果",
    "仍有问题的，请把{thing}的截图和单位名称发给工作人员",
    "更换浏览器或清理缓存后重试，超过{days}次失败的联系技术支持",
    "需要重新提交的，原记录会保留{days}天，请尽快补齐{thing}",
    "完成以后到{other}核对一遍，避免两处的{thing}不一致",
)
_BUTTONS = ("保存", "提交", "编辑", "更正", "撤回", "下载", "预览", "刷新", "添加", "确认")
_DIGITS = "零一二三四五六七八九"


def write_documents(folder: Path, entries: int) -> None:
    """A folder that `read_folder` takes: one document of so many entries, with the similar questions beside it."""
    folder.mkdir(parents=True)
    lines: list[str] = []
    similar: list[str] = []
    for at, entry in enumerate(islice(invented(), entries)):
        if at % PER_SECTION == 0:
            lines.append(f"{_numeral(at // PER_SECTION + 1)}、{_PLACES[at // PER_SECTION % len(_PLACES)]}业务\n")
        lines.append(f"{at % PER_SECTION + 1}、{entry.question}\n\n答：{entry.answer}\n")
        strings = json.dumps(entry.similar, ensure_ascii=False)
        question = json.dumps(entry.question, ensure_ascii=False)
        similar.append(f'["{entry.id}"]\nquestion = {question}\nsimilar = {strings}\n')
    (folder / "made.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "made.similar.toml").write_text("\n".join(similar), encoding="utf-8")


def invented() -> Iterator[Entry]:
    """Up to 14,336 entries, each with four similar questions and an answer of two sentences."""
    dice = Random(20)
    combined = list(product(_PLACES, _THINGS, _TROUBLES))
    dice.shuffle(combined)
    for at, (place, thing, ways) in enumerate(combined):
        number = f"{at // PER_SECTION + 1}.{at % PER_SECTION + 1}"
        asked = [
            carrier.format(place=place, thing=thing, trouble=way)
            for carrier, way in zip(dice.sample(_CARRIERS, 4), dice.sample(ways[1:], 4), strict=True)
        ]
        told = [
            dice.choice(sentences).format(
                place=place,
                thing=thing,
                other=dice.choice(_PLACES),
                button=dice.choice(_BUTTONS),
                days=dice.randint(2, 30),
            )
            for sentences in (_CHECKS, _STEPS)
        ]
        yield Entry(
            f"made-{number}", "made", "", number, f"{place}的{thing}{ways[0]}", "。".join(told) + "。", tuple(asked)
        )


def _numeral(number: int) -> str:
    """A number below 200 in Chinese."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = "一百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else _DIGITS[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (_DIGITS[ones] if ones else "")
